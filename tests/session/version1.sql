-- A session of version 1, as napari-n2n wrote it at commit 187fd7a. Not to be changed.
BEGIN TRANSACTION;
CREATE TABLE counters (clock INTEGER NOT NULL, next_particle INTEGER NOT NULL);
INSERT INTO "counters" VALUES(6,6);
CREATE TABLE descriptors (
        particle INTEGER NOT NULL,
        kind TEXT NOT NULL,
        x_px REAL NOT NULL,          -- where it was measured
        y_px REAL NOT NULL,
        vector BLOB NOT NULL,        -- float32, little-endian
        PRIMARY KEY (particle, kind)
    );
INSERT INTO "descriptors" VALUES(1,'kind',10.0,0.0,X'0000803F00000040');
CREATE TABLE history (
        id INTEGER PRIMARY KEY,
        micrograph INTEGER NOT NULL REFERENCES micrographs (id),
        clock INTEGER NOT NULL,      -- when it was last done, undone or redone, in actions
        done INTEGER NOT NULL,       -- 0: undone, may be redone
        window TEXT NOT NULL,        -- who did, undid or redid it
        at TEXT NOT NULL,            -- UTC
        action TEXT NOT NULL,
        removed BLOB NOT NULL,       -- rows as they were
        added BLOB NOT NULL,         -- rows as they came
        altered_columns TEXT NOT NULL,
        altered BLOB NOT NULL,       -- id, and each altered column before and after
        threshold_altered INTEGER NOT NULL DEFAULT 0,
        threshold_before REAL,
        threshold_after REAL
    );
INSERT INTO "history" VALUES(1,1,1,1,'7a62af0fa791ebb2','2026-11-23T13:44:50+00:00','Pick 4 particles',X'',X'0100000000000000000000000000000000000000000024406666663F000101020000000000000000000000000034400000000000003E400000003F0001010300000000000000000000000000444000000000000049400000803E00010104000000000000000000000000004E4000000000008051400000003E000101','',X'',0,NULL,NULL);
INSERT INTO "history" VALUES(2,1,2,1,'7a62af0fa791ebb2','2026-11-23T13:44:50+00:00','Set the threshold to 0.25',X'',X'','',X'',1,NULL,0.25);
INSERT INTO "history" VALUES(3,1,3,1,'7a62af0fa791ebb2','2026-11-23T13:44:50+00:00','Mark 2 particles intact',X'',X'','label given_by',X'010000000000000000010100020000000000000000010100',0,NULL,NULL);
INSERT INTO "history" VALUES(4,1,5,0,'7a62af0fa791ebb2','2026-11-23T13:44:50+00:00','Mark 1 particle broken',X'',X'','label given_by',X'030000000000000000020100',0,NULL,NULL);
INSERT INTO "history" VALUES(5,3,6,1,'7a62af0fa791ebb2','2026-11-23T13:44:50+00:00','Add 1 particle',X'',X'0500000000000000000000000000F83F00000000000004400000C07F030000','',X'',0,NULL,NULL);
CREATE TABLE micrographs (
        id INTEGER PRIMARY KEY,
        path TEXT UNIQUE,            -- from the session's folder, with /; NULL: no file
        name TEXT NOT NULL,
        height_px INTEGER NOT NULL,
        width_px INTEGER NOT NULL,
        pixel_size_angstrom REAL,
        threshold REAL,              -- lowest score shown; NULL: all
        unlabelled INTEGER NOT NULL DEFAULT 0,
        intact INTEGER NOT NULL DEFAULT 0,
        broken INTEGER NOT NULL DEFAULT 0,
        contaminant INTEGER NOT NULL DEFAULT 0
    );
INSERT INTO "micrographs" VALUES(1,'grid 1/a.mrc','a.mrc',512,640,1.5,0.25,2,2,0,0);
INSERT INTO "micrographs" VALUES(2,'b.mrc','b.mrc',512,640,NULL,NULL,0,0,0,0);
INSERT INTO "micrographs" VALUES(3,NULL,'a layer',99,98,1.0,NULL,0,0,0,1);
CREATE TABLE particles (
        id INTEGER PRIMARY KEY,      -- never given twice
        micrograph INTEGER NOT NULL REFERENCES micrographs (id),
        x_px REAL NOT NULL,          -- the first pixel's centre is (0, 0); y counts rows
        y_px REAL NOT NULL,
        score REAL,                  -- NULL: not picked by a program
        label TEXT NOT NULL
            CHECK (label = 'unlabelled' OR label = 'intact' OR label = 'broken'
                OR label = 'contaminant'),
        given_by TEXT NOT NULL       -- who gave the label, or the particle where it has none
            CHECK (given_by = 'person' OR given_by = 'picker' OR given_by = 'suggestion'),
        placed_by TEXT NOT NULL      -- who put it there or moved it last
            CHECK (placed_by = 'person' OR placed_by = 'picker' OR placed_by = 'suggestion')
    );
INSERT INTO "particles" VALUES(1,1,10.0,0.0,8.99999976158142089843e-01,'intact','person','picker');
INSERT INTO "particles" VALUES(2,1,30.0,20.0,0.5,'intact','person','picker');
INSERT INTO "particles" VALUES(3,1,50.0,40.0,0.25,'unlabelled','picker','picker');
INSERT INTO "particles" VALUES(4,1,70.0,60.0,0.125,'unlabelled','picker','picker');
INSERT INTO "particles" VALUES(5,3,2.5,1.5,NULL,'contaminant','person','person');
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "settings" VALUES('diameter_angstrom','120');
CREATE UNIQUE INDEX micrographs_without_file ON micrographs (name, height_px, width_px)
    WHERE path IS NULL
    ;
CREATE INDEX particles_of_micrograph ON particles (micrograph);
CREATE INDEX history_of_micrograph ON history (micrograph, clock);
CREATE INDEX descriptors_of_kind ON descriptors (kind);
PRAGMA application_id = 1848798803;
PRAGMA user_version = 1;
COMMIT;
