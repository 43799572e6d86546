-- More kinds of events than messages, where they came from, and the sweep.

-- A reply of an agent or a change of a ticket asks for no note: it ends as `done`.
ALTER TABLE inbox DROP CONSTRAINT inbox_state_check;
ALTER TABLE inbox ADD CONSTRAINT inbox_state_check
    CHECK (state IN ('accepted', 'drafted', 'posted', 'skipped', 'done', 'dead'));

ALTER TABLE inbox ADD COLUMN source text NOT NULL DEFAULT 'webhook'
    CHECK (source IN ('webhook', 'sweep', 'poll'));
COMMENT ON COLUMN inbox.source IS 'what told us of it; a webhook that comes late takes the place of the sweep';

CREATE INDEX inbox_by_ticket ON inbox (helpdesk, ticket);
CREATE INDEX inbox_found_by_sweep ON inbox (helpdesk) WHERE source = 'sweep';

-- How far each helpdesk was looked through for what no webhook told, by the helpdesk's own clock.
CREATE TABLE sweep (
    helpdesk text PRIMARY KEY,
    watermark timestamptz,
    swept_at timestamptz,
    last_error text
);
