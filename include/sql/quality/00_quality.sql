-- What came of every check of the contracts, wherever it was asked.
CREATE DATABASE IF NOT EXISTS quality
