-- The product's own tables. They hold no citizen's text: a draft is our text, and goes when its message goes.

-- One row for each message that a helpdesk announced, for ever: what makes a repeat harmless.
CREATE TABLE inbox (
    key text PRIMARY KEY,
    helpdesk text NOT NULL,
    ticket text NOT NULL,
    message text NOT NULL,
    kind text NOT NULL,
    delivery text,
    group_name text,
    language text,
    state text NOT NULL DEFAULT 'accepted'
        CHECK (state IN ('accepted', 'drafted', 'posted', 'skipped', 'dead')),
    reason text,
    last_error text,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    stalls integer NOT NULL DEFAULT 0,
    written_at timestamptz,
    accepted_at timestamptz NOT NULL DEFAULT now(),
    drafted_at timestamptz,
    settled_at timestamptz
);
COMMENT ON COLUMN inbox.reason IS 'why it was skipped, is dead, or was abstained from; NULL for a draft';
COMMENT ON COLUMN inbox.failures IS 'attempts that failed for another cause than an outage';
COMMENT ON COLUMN inbox.stalls IS 'workers that died on it';
COMMENT ON COLUMN inbox.written_at IS 'when the citizen wrote';
CREATE INDEX inbox_open ON inbox (accepted_at) WHERE state IN ('accepted', 'drafted');
CREATE INDEX inbox_by_state ON inbox (state, accepted_at);

-- What the chain said, committed before it is posted: a retry never pays the model twice.
CREATE TABLE draft (
    key text PRIMARY KEY REFERENCES inbox ON DELETE CASCADE,
    outcome text NOT NULL CHECK (outcome IN ('draft', 'abstention')),
    content jsonb NOT NULL,
    model text NOT NULL,
    prompt_version text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The proof that there is exactly one note.
CREATE TABLE note (
    key text PRIMARY KEY REFERENCES inbox ON DELETE CASCADE,
    reference text NOT NULL,
    note_id text NOT NULL,
    posted_at timestamptz NOT NULL
);

-- When each helpdesk was first served: messages written before are left alone.
CREATE TABLE first_start (
    helpdesk text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now()
);

-- What is paused: everything (helpdesk '*', by an admin), or one helpdesk whose key was refused.
CREATE TABLE pause (
    helpdesk text PRIMARY KEY,
    reason text NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

-- Vectors by what they were made from: an index can be rebuilt without embedding anything again.
CREATE TABLE embedding (
    model text NOT NULL,
    prefix text NOT NULL,
    digest bytea NOT NULL,
    vector bytea NOT NULL,
    PRIMARY KEY (model, prefix, digest)
);
