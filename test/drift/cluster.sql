-- What all databases share: made once.
CREATE ROLE boss;
CREATE ROLE clerk;
CREATE ROLE reader;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE attic LOCATION '';
