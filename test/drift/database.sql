-- What belongs to the database and is not copied with it.
COMMENT ON DATABASE :"DBNAME" IS 'All of the shop';
ALTER DATABASE :"DBNAME" SET work_mem = '8MB';
ALTER ROLE clerk IN DATABASE :"DBNAME" SET statement_timeout = '5s';
GRANT CREATE ON DATABASE :"DBNAME" TO clerk;
CREATE SUBSCRIPTION feed CONNECTION 'host=nowhere dbname=x password=hidden2' PUBLICATION news
    WITH (connect = false, slot_name = NONE, enabled = false);
COMMENT ON SUBSCRIPTION feed IS 'From the others';
