-- Description: what a customer can choose of a product
CREATE TABLE product_option (
    id text PRIMARY KEY,
    product_id text NOT NULL REFERENCES product ON DELETE CASCADE,
    title text NOT NULL,
    is_exclusive boolean NOT NULL DEFAULT false,
    deleted_at timestamptz
);
CREATE INDEX product_option_product_id ON product_option (product_id);
