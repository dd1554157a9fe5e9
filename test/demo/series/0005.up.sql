-- Description: one option of a title, unless it belongs to one product only
CREATE UNIQUE INDEX "IDX_product_option_global_title_unique"
    ON product_option (title) WHERE deleted_at IS NULL AND is_exclusive = false;
