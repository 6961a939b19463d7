"""Great Expectations: asking what the contracts' checks ask."""
