-- What the index is made from: the last runs of `greffier index`, and the addresses that are looked at.

-- One row for each source that was ever indexed, until `greffier index --forget`.
CREATE TABLE source (
    name text PRIMARY KEY,
    tried_at timestamptz NOT NULL DEFAULT now(),
    indexed_at timestamptz,
    documents integer NOT NULL DEFAULT 0,
    skipped text[] NOT NULL DEFAULT '{}',
    skipped_since timestamptz,
    last_error text
);
COMMENT ON COLUMN source.tried_at IS 'when the last run ended, well or not';
COMMENT ON COLUMN source.indexed_at IS 'when the last run that went well ended';
COMMENT ON COLUMN source.documents IS 'how many there were then';
COMMENT ON COLUMN source.skipped IS 'what could not be read then';
COMMENT ON COLUMN source.skipped_since IS 'since when no other could not be read: what is missing for long is removed';
COMMENT ON COLUMN source.last_error IS 'of the last run, where it failed';

-- The addresses of the documents of sources with check_links.
CREATE TABLE link (
    source text NOT NULL REFERENCES source ON DELETE CASCADE,
    url text NOT NULL,
    checked_at timestamptz,
    gone_since timestamptz,
    gone_at timestamptz,
    PRIMARY KEY (source, url)
);
COMMENT ON COLUMN link.checked_at IS 'when it was last asked for';
COMMENT ON COLUMN link.gone_since IS 'when it first answered 404 or 410, if it has not answered well since';
COMMENT ON COLUMN link.gone_at IS 'when it last answered so';
CREATE INDEX link_by_url ON link (url) WHERE gone_since IS NOT NULL;
CREATE INDEX link_by_age ON link (checked_at NULLS FIRST);
