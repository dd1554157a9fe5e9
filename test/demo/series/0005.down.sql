DROP INDEX IF EXISTS "IDX_product_option_global_title_unique";
