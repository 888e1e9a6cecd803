/** The warehouse's own tables: the resource index, the view tables' definitions, the snapshots. */
import type { Migration } from '../store/migrate.ts'

export const warehouseMigrations: readonly Migration[] = [
  {
    id: 'warehouse/1',
    sql: `
-- resource: the resource index, one row per (source, type, id).
--   last_updated  as the server says; NULL where it does not
--   exported_at   time of the export that brought this version (its safe watermark); stands in where last_updated is
--                 missing, or later than it
--   subsetted     only some of its elements came; a whole version takes its place, and never the other way round
--   hash          of the resource's text as it last came: equal means unchanged. The line may have the same in other words
--   run, file, line  where this version, or its tombstone, lies in the raw log (no file: nothing told it)
--   deleted_by    NULL: alive; else how its deletion was learnt: reported | missing (from a whole export) | left (its patient left
--                 the Group)
CREATE TABLE stoker.resource (
  source VARCHAR NOT NULL, type VARCHAR NOT NULL, id VARCHAR NOT NULL, version BIGINT, last_updated TIMESTAMPTZ,
  exported_at TIMESTAMPTZ NOT NULL, subsetted BOOLEAN NOT NULL, hash UBIGINT, run INTEGER NOT NULL, file INTEGER, line BIGINT,
  deleted_by VARCHAR);

-- resource_past: every row of the index that a later run put another in the place of, so that any past state can be told.
--   until_run  that run
CREATE TABLE stoker.resource_past (
  source VARCHAR NOT NULL, type VARCHAR NOT NULL, id VARCHAR NOT NULL, version BIGINT, last_updated TIMESTAMPTZ,
  exported_at TIMESTAMPTZ NOT NULL, subsetted BOOLEAN NOT NULL, hash UBIGINT, run INTEGER NOT NULL, file INTEGER, line BIGINT,
  deleted_by VARCHAR, until_run INTEGER NOT NULL);

-- resource_count: resources held and deletions known, per source and type.
CREATE VIEW stoker.resource_count AS
  SELECT source, type, count(*) FILTER (deleted_by IS NULL) AS resources, count(*) FILTER (deleted_by IS NOT NULL) AS deleted
  FROM stoker.resource GROUP BY source, type;

-- view_table: a view's table as it stands.
--   hash     of the definition whose rows it holds; another one means: rebuild
--   changed  grows with every change of its rows; a snapshot carries over what has not changed
CREATE SEQUENCE stoker.change_number;
CREATE TABLE stoker.view_table (name VARCHAR NOT NULL, resource VARCHAR NOT NULL, hash VARCHAR NOT NULL, changed BIGINT NOT NULL);

-- view_definition: every definition that ever filled a table, as it was compiled: past tables are made by it.
--   columns  [{name, type, description}], those of lineage included
--   sql      its rows, as a SELECT over a relation of raw log lines, called stoker_lines
CREATE TABLE stoker.view_definition (
  hash VARCHAR NOT NULL, name VARCHAR NOT NULL, resource VARCHAR NOT NULL, description VARCHAR, columns JSON NOT NULL, sql VARCHAR NOT NULL);

-- view_use: from when on which definition made a table; without a hash there is no such table any more.
CREATE TABLE stoker.view_use (name VARCHAR NOT NULL, hash VARCHAR, since TIMESTAMPTZ NOT NULL);

-- snapshot, snapshot_table: what was published. \`changed\` is the view table's at that time.
--   removed_at  when it was removed; NULL: it is there
-- snapshot_file: the files of tables of the snapshots that are there.
--   holds  a hash of all that its bytes come of: a table's next snapshot carries over the files that hold the same
CREATE TABLE stoker.snapshot (
  snapshot INTEGER NOT NULL, run INTEGER, published_at TIMESTAMPTZ NOT NULL, removed_at TIMESTAMPTZ);
CREATE TABLE stoker.snapshot_file (
  snapshot INTEGER NOT NULL, name VARCHAR NOT NULL, file VARCHAR NOT NULL, holds VARCHAR NOT NULL, rows BIGINT NOT NULL,
  bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL);
CREATE TABLE stoker.snapshot_table (
  snapshot INTEGER NOT NULL, name VARCHAR NOT NULL, changed BIGINT NOT NULL, rows BIGINT NOT NULL, bytes BIGINT NOT NULL);

-- packed_number: names the raw log files that compaction makes.
-- history: per source, from which commit on its past is whole; what rawLog.keep let go was before. No row: all of it is.
CREATE SEQUENCE stoker.packed_number;
CREATE TABLE stoker.history (source VARCHAR NOT NULL, whole_since BIGINT NOT NULL);

-- purge: one row per purge.
--   kind    patient | resource | source
--   target  its key, only until its rows and lines are gone: a purged id is kept nowhere
--   state   asked    what it takes is in purge_key and purge_line
--           cleared  rows, lines and old snapshots are gone; the database file still has them in its free blocks
--           done
--   counts  what it took, as JSON
-- purge_key: resources of which every version goes. purge_line: the lines of the raw log that go.
CREATE SEQUENCE stoker.purge_number;
CREATE TABLE stoker.purge (
  purge INTEGER NOT NULL, kind VARCHAR NOT NULL, source VARCHAR, target VARCHAR, keeps_snapshots BOOLEAN NOT NULL, state VARCHAR NOT NULL,
  asked_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ, counts JSON);
CREATE TABLE stoker.purge_key (purge INTEGER NOT NULL, source VARCHAR NOT NULL, type VARCHAR NOT NULL, id VARCHAR NOT NULL);
CREATE TABLE stoker.purge_line (purge INTEGER NOT NULL, file INTEGER NOT NULL, line BIGINT NOT NULL);`,
  },
  {
    id: 'warehouse/2',
    sql: `
-- cohort_run: one row per cohort and snapshot it was run over, and one for the last failure over that snapshot.
--   definition          hash of the SELECT and the values of its parameters
--   definition_changed  it is another one than over the snapshot before: who entered and left is not patients' making alone
--   parameters          their values, by name
--   rows, null_keys, strangers  what the SELECT gave: rows, those without a key, keys that are no patient of the lake
--   members             patients; entered, exited: since the snapshot it was run over before. All as they were then
--   error_code, error   NULL: it succeeded; else the counts are NULL
-- cohort_member: who was in which cohort, as intervals between the snapshots it was run over.
--   entered  the first with them
--   left_at  the first without them; NULL: they are still in
CREATE TABLE stoker.cohort_run (
  cohort VARCHAR NOT NULL, snapshot INTEGER NOT NULL, definition VARCHAR NOT NULL, definition_changed BOOLEAN NOT NULL,
  parameters JSON, rows BIGINT, null_keys BIGINT, strangers BIGINT, members BIGINT, entered BIGINT, exited BIGINT,
  ran_at TIMESTAMPTZ NOT NULL, milliseconds BIGINT NOT NULL, error_code VARCHAR, error VARCHAR);
CREATE TABLE stoker.cohort_member (
  cohort VARCHAR NOT NULL, patient_key VARCHAR NOT NULL, entered INTEGER NOT NULL, left_at INTEGER);`,
  },
]
