-- Description: where other systems find a product
ALTER TABLE product ADD COLUMN external_id text null;
