-- Description: the values of an option
CREATE TABLE product_option_value (
    id text PRIMARY KEY,
    option_id text NOT NULL REFERENCES product_option ON DELETE CASCADE,
    value text NOT NULL
);
