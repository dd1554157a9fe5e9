-- Description: what the shop sells
CREATE TABLE product (
    id text PRIMARY KEY,
    title text NOT NULL,
    handle text NOT NULL,
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'published')),
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX product_handle ON product (handle) WHERE deleted_at IS NULL;
