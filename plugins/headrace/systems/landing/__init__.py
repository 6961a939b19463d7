"""The landing bucket: files that others drop, one folder a dataset."""
