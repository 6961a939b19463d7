"""Draft the two files of a contract, from a table of a source database or from sample records."""
