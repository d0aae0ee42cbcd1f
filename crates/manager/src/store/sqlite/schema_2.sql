-- Whether a member stands where it does because that version says what it last held, not because its agent told of it.
ALTER TABLE members ADD COLUMN agreed INTEGER NOT NULL DEFAULT 0;
