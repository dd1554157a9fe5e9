// Turns db-migrate migrations (JavaScript that calls a driver) into SQL files: node extract_dbmigrate.cjs MIGRATIONS_DIR OUT_DIR
//
// Each migration runs against a driver that writes statements down instead of sending them. Writes OUT_DIR/NNNN.up.sql, NNNN.down.sql
// and manifest.tsv (order, name, up file, down file).
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

// Answers the queries that migrations branch on, as a new installation would answer them; what is not listed has no rows.
const ANSWERS = [
  [/count\(\*\) as count from events/i, [{ count: 0 }]],
  [/^select id as name from projects where id not in/i, [{ name: 'default' }]],
  [/^select id from projects$/i, [{ id: 'default' }]],
];

// Gives rows in the shape of node-postgres: an array that has `rows` and `rowCount` as well.
function answer(sql) {
  const flat = sql.replace(/\s+/g, ' ').replace(/;\s*$/, '').trim();
  const found = ANSWERS.find(([pattern]) => pattern.test(flat));
  const rows = found ? found[1] : [];
  return Object.assign([...rows], { rows, rowCount: rows.length });
}

const quoteName = (name) => `"${name.replace(/"/g, '""')}"`;

// Writes a JavaScript value as an SQL literal.
function literal(value) {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value instanceof Date) return `'${value.toISOString()}'`;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `'${text.replace(/'/g, "''")}'`;
}

// Puts values in place of `?` and `$n`, from left to right.
function bind(sql, values) {
  let next = 0;
  return sql.replace(/\?|\$(\d+)/g, (all, number) => literal(values[number ? number - 1 : next++]));
}

// Ends a script with exactly one semicolon; a script that ends in a comment gets it on a line of its own.
function terminated(sql) {
  const text = sql.trim();
  if (text === '' || text.endsWith(';')) return text;
  return /--[^\n]*$/.test(text) ? `${text}\n;` : `${text};`;
}

const TYPES = { string: 'VARCHAR', int: 'INTEGER', datetime: 'TIMESTAMP', blob: 'BYTEA' };

// Spells a column as db-migrate's PostgreSQL driver does, but leaves now() unquoted: a quoted one is the time at which the table was
// made, so that no two databases would be equal.
function column(name, given) {
  const spec = typeof given === 'string' ? { type: given } : given;
  const words = [quoteName(name)];
  words.push((TYPES[spec.type] || spec.type.toUpperCase()) + (spec.length ? `(${spec.length})` : ''));
  if (spec.primaryKey) words.push('PRIMARY KEY');
  if (spec.notNull) words.push('NOT NULL');
  if (spec.unique) words.push('UNIQUE');
  if (spec.defaultValue !== undefined) {
    words.push('DEFAULT', spec.defaultValue === 'now()' ? 'now()' : literal(spec.defaultValue));
  }
  return words.join(' ');
}

// Makes a driver that appends to `script`; a call that is not known here is an error, never a statement lost.
function recorder(script) {
  const finish = (rest, result) => {
    const callback = rest.find((item) => typeof item === 'function');
    if (callback) callback(null, result);
    return Promise.resolve(result);
  };
  const note = (sql, rest) => {
    const text = terminated(sql);
    if (text !== '') script.push(text);
    return finish(rest, answer(sql));
  };
  const driver = {
    runSql(sql, ...rest) {
      const values = rest.find(Array.isArray);
      return note(values ? bind(sql, values) : sql, rest);
    },
    all: (sql, ...rest) => finish(rest, answer(sql)),
    addColumn: (table, name, spec, ...rest) =>
      note(`ALTER TABLE ${quoteName(table)} ADD COLUMN ${column(name, spec)}`, rest),
    removeColumn: (table, name, ...rest) => note(`ALTER TABLE ${quoteName(table)} DROP COLUMN ${quoteName(name)}`, rest),
    createTable(table, spec, ...rest) {
      const columns = Object.entries(spec.columns || spec).map(([name, one]) => `  ${column(name, one)}`);
      return note(`CREATE TABLE ${quoteName(table)} (\n${columns.join(',\n')}\n)`, rest);
    },
    dropTable: (table, ...rest) => note(`DROP TABLE ${quoteName(table)}`, rest),
  };
  return new Proxy(driver, {
    get(target, key) {
      if (key in target || typeof key === 'symbol' || key === 'then') return target[key];
      throw new Error(`driver call not known: ${key}`);
    },
  });
}

// Runs one direction of a migration, which either calls back or returns a promise or is done when it returns.
function record(step) {
  const script = [];
  const driver = recorder(script);
  return new Promise((resolve, reject) => {
    const returned = step(driver, (error) => (error ? reject(error) : resolve()));
    if (step.length < 2) Promise.resolve(returned).then(resolve, reject);
  }).then(() => (script.length > 0 ? `${script.join('\n')}\n` : '-- no statement\n'));
}

// Stands in for the two modules that migrations require. Random values are fixed, so that the files are the same each time.
const MODULES = {
  async: {
    series(steps, done) {
      const [first, ...others] = steps;
      if (first === undefined) return done(null);
      return first((error) => (error ? done(error) : MODULES.async.series(others, done)));
    },
  },
  crypto: {
    randomUUID: () => '00000000-0000-4000-8000-000000000000',
    randomBytes: (size) => Buffer.alloc(size),
  },
};
const load = Module._load;
Module._load = (name, ...rest) => MODULES[name] || load(name, ...rest);

async function main() {
  const [from, to] = process.argv.slice(2);
  const manifest = [];
  for (const file of fs.readdirSync(from).filter((name) => /^\d+.*\.js$/.test(name)).sort()) {
    const order = String(manifest.length + 1).padStart(4, '0');
    const migration = require(path.resolve(from, file));
    const row = [order, file.replace(/\.js$/, ''), `${order}.up.sql`, ''];
    fs.writeFileSync(path.join(to, row[2]), await record(migration.up));
    if (migration.down) {
      row[3] = `${order}.down.sql`;
      fs.writeFileSync(path.join(to, row[3]), await record(migration.down));
    }
    manifest.push(row.join('\t'));
  }
  fs.writeFileSync(path.join(to, 'manifest.tsv'), `${manifest.join('\n')}\n`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
