// Turns MikroORM migrations (classes that call addSql) into SQL files: node extract_mikroorm.cjs MIGRATIONS_DIR OUT_DIR
//
// Writes OUT_DIR/NNNN.up.sql, NNNN.down.sql and manifest.tsv (order, name, up file, down file). The packages that migrations require are
// not installed: stand-ins below take their place.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

// Collects what a migration adds; a query finds nothing, as on a new database.
class Migration {
  constructor() {
    this.statements = [];
  }

  addSql(sql) {
    this.statements.push(sql.trim().replace(/;?$/, ';'));
  }

  execute() {
    return Promise.resolve([]);
  }
}

// Stands in for the framework's helper of the same name: alters the columns that exist.
function generatePostgresAlterColummnIfExistStatement(table, columns, change) {
  return columns
    .map(
      (column) => `DO $$
BEGIN
  IF EXISTS (SELECT FROM information_schema.columns WHERE table_name = '${table}' AND column_name = '${column}') THEN
    ALTER TABLE "${table}" ALTER COLUMN "${column}" ${change};
  END IF;
END $$;`
    )
    .join('\n');
}

const MODULES = {
  '@medusajs/framework/mikro-orm/migrations': { Migration },
  '@mikro-orm/migrations': { Migration },
  '@medusajs/framework/utils': { generatePostgresAlterColummnIfExistStatement },
};
const load = Module._load;
Module._load = (name, ...rest) => MODULES[name] || load(name, ...rest);

// Runs one direction of a migration class and gives its script.
async function record(Class, direction) {
  const migration = new Class();
  await migration[direction]();
  return migration.statements.length > 0 ? `${migration.statements.join('\n')}\n` : '-- no statement\n';
}

async function main() {
  const [from, to] = process.argv.slice(2);
  const stamp = (file) => file.match(/\d+/)[0];
  const files = fs.readdirSync(from).filter((name) => /^[A-Za-z]+\d+.*\.js$/.test(name));
  files.sort((a, b) => (stamp(a) < stamp(b) ? -1 : 1));
  const manifest = [];
  for (const file of files) {
    const order = String(manifest.length + 1).padStart(4, '0');
    const [Class] = Object.values(require(path.resolve(from, file)));
    const row = [order, file.replace(/\.js$/, ''), `${order}.up.sql`, ''];
    fs.writeFileSync(path.join(to, row[2]), await record(Class, 'up'));
    if (Object.hasOwn(Class.prototype, 'down')) {
      row[3] = `${order}.down.sql`;
      fs.writeFileSync(path.join(to, row[3]), await record(Class, 'down'));
    }
    manifest.push(row.join('\t'));
  }
  fs.writeFileSync(path.join(to, 'manifest.tsv'), `${manifest.join('\n')}\n`);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
