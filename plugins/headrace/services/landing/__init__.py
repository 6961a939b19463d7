"""Files in the landing bucket, one folder per dataset, loaded into the lake."""
