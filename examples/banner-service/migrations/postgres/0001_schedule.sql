CREATE TABLE banners (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title     text NOT NULL,
    image_url text NOT NULL,
    link      text NOT NULL
);

-- An exclusion constraint compares ranges. A range of text makes `platform =` one of them, which otherwise would need
-- the extension btree_gist.
CREATE TYPE text_range AS RANGE (subtype = text);

CREATE TABLE placements (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    banner_id bigint      NOT NULL REFERENCES banners (id) ON DELETE CASCADE,
    platform  text        NOT NULL,
    slot      integer     NOT NULL CHECK (slot > 0),
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL,
    CHECK (starts_at < ends_at),
    CONSTRAINT placements_no_overlap EXCLUDE USING gist (
        text_range(platform, platform, '[]') WITH &&,
        int4range(slot, slot, '[]') WITH &&,
        tstzrange(starts_at, ends_at) WITH &&
    )
);

-- Both questions asked of this table (what is on now, what is in the way) concern what has not ended yet, which is
-- little, however long the history grows.
CREATE INDEX placements_by_end ON placements (platform, ends_at);
CREATE INDEX placements_by_banner ON placements (banner_id);

-- Two rows that exclude each other and arrive together would wait for each other until the deadlock detector ends one
-- (after a second). Writers of one slot therefore queue; the constraint above stays the rule.
CREATE FUNCTION placements_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(NEW.platform), NEW.slot);
    RETURN NEW;
END
$$;

CREATE TRIGGER placements_queue BEFORE INSERT OR UPDATE ON placements
    FOR EACH ROW EXECUTE FUNCTION placements_queue();
