-- Description: finds the values of an option
CREATE INDEX product_option_value_option_id ON product_option_value (option_id);
