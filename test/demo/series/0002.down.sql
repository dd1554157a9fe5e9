DROP TABLE product_option;
