-- The package migrates with this search_path.
CREATE SCHEMA stripe;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = stripe, public', current_database()); END $$;
