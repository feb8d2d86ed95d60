-- The invoice as FOCUS 1.2 rows, the FinOps open cost and usage format: write them with --format parquet -o focus.parquet
-- Usage under no contract has no cost and no row; report invoice_totals shows its credits.
-- param as_of DATE = current_date  the start of this day: a period that ends on it has ended
-- param provider VARCHAR = 'messaging platform'  the platform's name
SELECT *
FROM focus_rows(as_of => $as_of, provider => $provider)
ORDER BY "x_Scenario", "BillingAccountId", "x_ContractId", "BillingPeriodStart", "x_LineNo", "ChargeCategory";
