#ifndef CPQ_SHIM_H
#define CPQ_SHIM_H

#include <libpq-fe.h>

// The field codes of an error report are character macros, which Swift does not import.
static inline int cpq_field_severity(void) { return PG_DIAG_SEVERITY_NONLOCALIZED; }
static inline int cpq_field_sqlstate(void) { return PG_DIAG_SQLSTATE; }
static inline int cpq_field_message(void) { return PG_DIAG_MESSAGE_PRIMARY; }
static inline int cpq_field_detail(void) { return PG_DIAG_MESSAGE_DETAIL; }
static inline int cpq_field_constraint(void) { return PG_DIAG_CONSTRAINT_NAME; }
static inline int cpq_field_table(void) { return PG_DIAG_TABLE_NAME; }
static inline int cpq_field_column(void) { return PG_DIAG_COLUMN_NAME; }
static inline int cpq_field_function(void) { return PG_DIAG_SOURCE_FUNCTION; }

#endif
