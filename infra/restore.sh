#!/usr/bin/env bash
# Replaces all rows of one Acervo database by those of another, in one transaction, with psql alone.
# usage: FROM_PASSWORD=… TO_PASSWORD=… infra/restore.sh FROM TO      (connection strings of the owner)
set -euo pipefail
from=$1 to=$2

source_says() {
    PGPASSWORD=$FROM_PASSWORD psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 \
        --dbname "$from" --command "$1"
}

# Row-level security is forced on the owner too; pg_dump refuses such tables, and COPY would skip their rows.
force() {
    echo "DO \$\$ DECLARE name regclass; BEGIN
        FOR name IN SELECT oid FROM pg_class WHERE relnamespace = 'acervo'::regnamespace AND relrowsecurity
        LOOP EXECUTE format('ALTER TABLE %s $1 ROW LEVEL SECURITY', name); END LOOP; END \$\$;"
}

# Tables after those that they refer to.
tables="WITH RECURSIVE tables AS (
    SELECT oid FROM pg_class
    WHERE relnamespace = 'acervo'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
), depths AS (
    SELECT oid, 0 AS depth FROM tables
    UNION SELECT conrelid, depth + 1 FROM depths JOIN pg_constraint ON confrelid = depths.oid
    WHERE contype = 'f' AND conrelid <> confrelid
) SELECT oid::regclass FROM depths GROUP BY oid ORDER BY max(depth)"
columns="SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = '%s'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
migrations="SELECT string_agg(number::text, ',' ORDER BY number) FROM acervo_migrations.applied"
sequences="SELECT format('SELECT setval(%L, %s);', format('%I.%I', schemaname, sequencename), last_value)
    FROM pg_sequences WHERE schemaname = 'acervo' AND last_value IS NOT NULL"

# COMMIT is written last: without it psql ends the transaction with nothing done.
rows() {
    names=$(source_says "$tables")
    echo "BEGIN; DO \$\$ BEGIN
        IF ($migrations) IS DISTINCT FROM '$(source_says "$migrations")' THEN
            RAISE 'the databases have different migrations: deploy the release of the source first';
        END IF; END \$\$;"
    force "NO FORCE"
    every=$(echo "$names" | paste -sd, -)
    echo "TRUNCATE $every;"
    for name in $names; do
        # shellcheck disable=SC2059 - the format is ours
        columns_of=$(source_says "$(printf "$columns" "$name")")
        echo "COPY $name ($columns_of) FROM STDIN;"
        source_says "COPY $name ($columns_of) TO STDOUT"
        echo '\.'
    done
    source_says "$sequences"
    force FORCE
    echo "ANALYZE $every;"
    echo "COMMIT;"
}

source_says "$(force 'NO FORCE')"
rows | PGPASSWORD=$TO_PASSWORD psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname "$to" --output /dev/null
