"""What holds of the whole product: of every address, page, table and template."""
