"""Load files from the landing bucket, one folder per dataset, into the lake."""
