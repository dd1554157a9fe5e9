ALTER TABLE product DROP COLUMN external_id;
