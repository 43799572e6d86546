-- More kinds of events than messages, where they came from, and the sweep.

-- A reply of an agent or a change of a ticket asks for no note: it ends as `done`.
ALTER TABLE inbox DROP CONSTRAINT inbox_state_check;
ALTER TABLE inbox ADD CONSTRAINT inbox_state_check
    CHECK (state IN ('accepted', 'drafted', 'posted', 'skipped', 'done', 'dead'));

ALTER TABLE inbox ADD COLUMN source text NOT NULL DEFAULT 'webhook'
    CHECK (source IN ('webhook', 'sweep', 'poll'));
COMMENT ON COLUMN inbox.source IS 'what told us of it first';

CREATE INDEX inbox_by_ticket ON inbox (helpdesk, ticket);

-- How far each helpdesk was looked through for what no webhook told, by the helpdesk's own clock.
CREATE TABLE sweep (
    helpdesk text PRIMARY KEY,
    watermark timestamptz,
    swept_at timestamptz,
    found bigint NOT NULL DEFAULT 0,
    last_error text
);
COMMENT ON COLUMN sweep.found IS 'messages that no webhook had announced when they were two minutes old';
