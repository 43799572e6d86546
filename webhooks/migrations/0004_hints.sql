-- Questions that the model wrote for a document, by what they were made from: an index can be made again without a call.
CREATE TABLE hint (
    model text NOT NULL,
    version text NOT NULL,
    digest bytea NOT NULL,
    questions text[] NOT NULL,
    PRIMARY KEY (model, version, digest)
);
COMMENT ON COLUMN hint.version IS 'of the prompt, and how many questions were asked for';
