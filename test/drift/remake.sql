-- Makes the database again, as it was.
DROP DATABASE IF EXISTS drift;
CREATE DATABASE drift TEMPLATE drift_template;
