"""What is wrong with a description: `review` runs every rule over it. `finding` is what a rule says;
`paths`, `references` and `schemas` are our own rules, `official` the meta-schemas of OpenAPI."""
