-- name: settled
-- Whether the roles are as this version makes them, and the extension as new as its files.
SELECT pg_has_role(%(service)s, 'acervo_app', 'MEMBER')
   AND shobj_description((SELECT oid FROM pg_roles WHERE rolname = %(service)s), 'pg_authid') = 'settled'
   AND EXISTS (SELECT FROM pg_available_extensions
                WHERE name = 'vector' AND installed_version = default_version)

-- name: hand_over
-- The statements that give a schema and what is in it to another owner; indexes follow their table.
SELECT format('ALTER SCHEMA %%I OWNER TO %%I', nspname, %(owner)s::text)
  FROM pg_namespace WHERE nspname = %(schema)s
UNION ALL
SELECT format('ALTER %%s %%s OWNER TO %%I',
              CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
              c.oid::regclass, %(owner)s::text)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE nspname = %(schema)s AND relkind IN ('r', 'p', 'v', 'S')
   -- A sequence that belongs to a column follows its table.
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                                             AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
UNION ALL
SELECT format('ALTER ROUTINE %%s OWNER TO %%I', p.oid::regprocedure, %(owner)s::text)
  FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
 WHERE nspname = %(schema)s
