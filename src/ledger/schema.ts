/** The ledger's tables: runs, exports, files, rejects, watermarks, counts. One truth for resume and for lineage. */
import type { Migration } from '../store/migrate.ts'

export const ledgerMigrations: readonly Migration[] = [
  {
    id: 'ledger/1',
    sql: `
-- run: one attempt of ours to bring a source up to date.
--   state   open       exports and files are being fetched; a restart goes on here
--           committed  rows and watermarks are in; the snapshot is not yet published
--           published  readers see it; the server's export is not yet released
--           done       nothing is left to do
--           abandoned  given up; nothing of it was committed; its folders and exports are still to be cleared away
--           failed     given up and cleared away; the next run starts anew
--   mode    full | incremental | mixed: whether its exports carried _since
--   commit_number  its place in the order of commits, which is not that of the runs of several sources; NULL before
-- run_phase: when a run was in which phase: export | gather | merge | publish | release (see ledger/phases.ts). Several
--   spells of one where it was interrupted, or exports followed one another; ended_at stays NULL of a killed process
CREATE SEQUENCE stoker.run_number;
CREATE SEQUENCE stoker.commit_number;
CREATE TABLE stoker.run (
  run INTEGER NOT NULL, source VARCHAR NOT NULL, mode VARCHAR NOT NULL, state VARCHAR NOT NULL,
  started_at TIMESTAMPTZ NOT NULL, committed_at TIMESTAMPTZ, commit_number BIGINT, ended_at TIMESTAMPTZ,
  stoker_version VARCHAR NOT NULL, error_code VARCHAR, error_message VARCHAR, error_hint VARCHAR);
CREATE TABLE stoker.run_phase (
  run INTEGER NOT NULL, phase VARCHAR NOT NULL, started_at TIMESTAMPTZ NOT NULL, ended_at TIMESTAMPTZ);

-- export: one job of the server. A run has one for the types that have a watermark, one for those that have none, and
-- for a Group whose members change one that lists them and one for those who joined.
--   purpose      load | members (who is in the Group; no row is made of it) | newcomers
--   since        what was sent as _since; NULL when nothing was
--   whole        it tells the whole present state of its types: what it lacks is deleted
--   request      what else was asked: {elements, typeFilters, patients, …}, as it is sent
--   filters      by type, what limits it; a watermark counts only under the same
--   state        planned | requested (status_url is known) | ready (all its files are listed) | landed | released | over
--   server_date  the server's Date header at kick-off
--   etag         of a published manifest
CREATE SEQUENCE stoker.export_number;
CREATE TABLE stoker.export (
  export INTEGER NOT NULL, run INTEGER NOT NULL, purpose VARCHAR NOT NULL, types VARCHAR[] NOT NULL, since VARCHAR,
  whole BOOLEAN NOT NULL, request JSON NOT NULL, filters JSON NOT NULL, state VARCHAR NOT NULL, request_url VARCHAR,
  status_url VARCHAR, server_date TIMESTAMPTZ, requested_at TIMESTAMPTZ, ready_at TIMESTAMPTZ,
  transaction_time TIMESTAMPTZ, requires_token BOOLEAN, etag VARCHAR);

-- file: one entry of a manifest.
--   kind      output | deleted | error
--   state     listed | staged (its bytes are on disk) | landed (it is in the raw log) | skipped | failed
--   url       with its query only while the run is open: a query may hold a signature
--   raw_path  relative to the lake: it may be moved. Several files may share one, once the raw log was compacted; NULL
--             when nothing of it is kept
--   kept      resources of it that the raw log holds: fewer than resources once repeats, old versions or a patient are out
--   claimed   the manifest's count, where it has one; bytes, sha256: as received, after decompression
--   tries     attempts of ours, each of several requests, that ended with an error that may pass
--   damaged   rejects that may be resources for all anybody can tell: bytes that are no JSON
--   dated     of a published manifest: the time of its page, which is a later state than the page before
--   lines = resources + rejects + headers (of an organized export) + blanks, checked when it lands
CREATE SEQUENCE stoker.file_number;
CREATE TABLE stoker.file (
  file INTEGER NOT NULL, export INTEGER NOT NULL, run INTEGER NOT NULL, ordinal INTEGER NOT NULL,
  kind VARCHAR NOT NULL, type VARCHAR, url VARCHAR NOT NULL, state VARCHAR NOT NULL, tries INTEGER, claimed BIGINT,
  bytes BIGINT, lines BIGINT, blanks BIGINT, longest_line_bytes BIGINT, bom BOOLEAN, sha256 VARCHAR,
  resources BIGINT, rejects BIGINT, headers BIGINT, damaged BIGINT, kept BIGINT, dated TIMESTAMPTZ, raw_path VARCHAR, note VARCHAR);

-- reject: a line that is no usable resource. Its text is kept beside the raw log, not here.
CREATE TABLE stoker.reject (
  run INTEGER NOT NULL, file INTEGER NOT NULL, line BIGINT NOT NULL, byte_offset BIGINT NOT NULL, reason VARCHAR NOT NULL);
-- reject_count: rejects of a file by reason, with the place of the first.
CREATE VIEW stoker.reject_count AS
  SELECT run, file, reason, count(*) AS count, min(line) AS first_line, min(byte_offset) AS first_byte_offset
  FROM stoker.reject GROUP BY run, file, reason;

-- message: what the server said in error files, counted.
CREATE TABLE stoker.message (
  run INTEGER NOT NULL, file INTEGER NOT NULL, severity VARCHAR, code VARCHAR, count BIGINT NOT NULL);

-- finding: where what came is not what was asked or announced. See worker/findings.ts for the codes.
CREATE TABLE stoker.finding (
  run INTEGER NOT NULL, export INTEGER NOT NULL, file INTEGER, type VARCHAR, code VARCHAR NOT NULL, count BIGINT NOT NULL);

-- watermark: the transactionTime of the last run whose rows of this type are committed.
--   filter   what limited the type then; under another one its whole history is asked for
CREATE TABLE stoker.watermark (
  source VARCHAR NOT NULL, type VARCHAR NOT NULL, filter VARCHAR NOT NULL, transaction_time TIMESTAMPTZ NOT NULL,
  run INTEGER NOT NULL);

-- member: the patients of an exported Group.
--   group_key    server and Group, as text: of another one it says nothing
--   joined_run, left_run  the run that saw it; left_run is NULL for those who are in it
--   seen_run  of somebody who is not in it as far as is known: the run that brought rows of them all the same
CREATE TABLE stoker.member (
  source VARCHAR NOT NULL, group_key VARCHAR NOT NULL, patient VARCHAR NOT NULL, joined_run INTEGER NOT NULL, left_run INTEGER,
  seen_run INTEGER);

-- run_type, run_view: what a committed run did.
--   view_hash  of the definition in force: stoker.view_definition
-- run_loss: values that are not in a view table because they were not what its column wants ("12 values were not dates").
--   column_name  NULL for what no column reads by itself; element  NULL where it is the column's own value
CREATE TABLE stoker.run_type (
  run INTEGER NOT NULL, type VARCHAR NOT NULL, received BIGINT NOT NULL, inserted BIGINT NOT NULL, updated BIGINT NOT NULL,
  unchanged BIGINT NOT NULL, superseded BIGINT NOT NULL, deleted BIGINT NOT NULL, rejected BIGINT NOT NULL, held VARCHAR);
CREATE TABLE stoker.run_view (
  run INTEGER NOT NULL, view_table VARCHAR NOT NULL, view_hash VARCHAR NOT NULL, rows_removed BIGINT NOT NULL, rows_added BIGINT NOT NULL, rows BIGINT NOT NULL);
CREATE TABLE stoker.run_loss (
  run INTEGER NOT NULL, view_table VARCHAR NOT NULL, column_name VARCHAR, element VARCHAR, wanted VARCHAR NOT NULL,
  count BIGINT NOT NULL);`,
  },
]
