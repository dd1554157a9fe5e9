DROP TABLE product_option_value;
