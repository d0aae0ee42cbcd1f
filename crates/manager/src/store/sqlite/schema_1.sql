CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE agents (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    program TEXT NOT NULL DEFAULT '',
    operate INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    stream BLOB,
    enrolled_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE invites (
    secret_hash BLOB PRIMARY KEY,
    wrapped BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    uses INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    operate INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE groups (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    conflict TEXT NOT NULL,
    preferred BLOB,
    paused INTEGER NOT NULL DEFAULT 0,
    head BLOB,
    last_number INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX groups_by_name ON groups (name) WHERE removed = 0;

CREATE TABLE members (
    id BLOB PRIMARY KEY,
    group_id BLOB NOT NULL,
    agent BLOB NOT NULL,
    path TEXT NOT NULL,
    selector TEXT NOT NULL,
    format TEXT NOT NULL,
    mapping TEXT NOT NULL,
    direction INTEGER NOT NULL,
    joining INTEGER NOT NULL,
    on_missing INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    condition INTEGER NOT NULL,
    cause TEXT NOT NULL,
    reported_gen INTEGER NOT NULL,
    committed_gen INTEGER NOT NULL,
    standing BLOB,
    restored_at INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX members_by_group ON members (group_id) WHERE removed = 0;
CREATE UNIQUE INDEX members_by_place ON members (agent, path, selector) WHERE removed = 0;

CREATE TABLE versions (
    id BLOB PRIMARY KEY,
    group_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    member BLOB NOT NULL,
    generation INTEGER NOT NULL,
    format TEXT NOT NULL,
    mapping TEXT NOT NULL,
    text BLOB NOT NULL,
    value BLOB NOT NULL,
    size INTEGER NOT NULL,
    copy BLOB NOT NULL,
    mac BLOB NOT NULL,
    committed_at INTEGER NOT NULL,
    noticed_at INTEGER NOT NULL,
    merged INTEGER NOT NULL,
    yielded INTEGER NOT NULL,
    unmergeable_with BLOB,
    unmergeable TEXT NOT NULL DEFAULT '',
    snapshot TEXT
);
CREATE UNIQUE INDEX versions_by_number ON versions (group_id, number);
CREATE INDEX versions_by_shape ON versions (group_id, format, mapping, number) WHERE merged = 1;

CREATE TABLE parents (
    version BLOB NOT NULL,
    place INTEGER NOT NULL,
    parent BLOB NOT NULL,
    PRIMARY KEY (version, place)
) WITHOUT ROWID;

CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    group_id BLOB NOT NULL,
    member BLOB NOT NULL,
    agent BLOB NOT NULL,
    kind INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    version BLOB,
    head BLOB,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    noticed_at INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL DEFAULT 0,
    done_at INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX jobs_open ON jobs (member) WHERE state < 3;
CREATE INDEX jobs_open_by_group ON jobs (group_id) WHERE state < 3;
