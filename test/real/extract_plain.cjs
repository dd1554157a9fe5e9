// Turns SQL files written for psql into plain SQL that any client can send: node extract_plain.cjs OUT_DIR [NAME=VALUE ...] < LIST
//
// Each line of LIST is "name<TAB>file". COPY ... FROM stdin becomes INSERT, \i and \copy take in the file they name (looked up from
// the folders above the script), \echo and \. go, :NAME becomes VALUE. A CREATE EXTENSION named by `without=EXTENSION` becomes a
// comment. Writes OUT_DIR/NNNN.up.sql and manifest.tsv (order, name, up file, no down file).
'use strict';

const fs = require('fs');
const path = require('path');

const [to, ...settings] = process.argv.slice(2);
const values = Object.fromEntries(settings.map((item) => item.split(/=(.*)/s).slice(0, 2)));

// Finds a file that a script names relative to some folder above the script's own.
function beside(script, name) {
  for (let folder = path.dirname(script); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const file = path.join(folder, name);
    if (fs.existsSync(file)) return file;
  }
  throw new Error(`${script}: no file ${name}`);
}

// Reads a field of COPY's text format.
function field(text) {
  if (text === '\\N') return 'NULL';
  const escapes = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
  const plain = text.replace(/\\(.)/gs, (all, letter) => escapes[letter] || letter);
  return `'${plain.replace(/'/g, "''")}'`;
}

// Writes rows of COPY's text format as one INSERT.
function insert(target, rows, delimiter) {
  if (rows.length === 0) return '';
  const tuples = rows.map((row) => `(${row.split(delimiter).map(field).join(', ')})`);
  return `INSERT INTO ${target.trim()} VALUES\n${tuples.join(',\n')};`;
}

// Gives the lines of a script without what only psql understands.
function plain(file) {
  const lines = fs.readFileSync(file, 'utf8').replace(/\n$/, '').split('\n');
  const out = [];
  while (lines.length > 0) {
    const line = lines.shift();
    const copy = line.match(/^\s*COPY\s+(.+?)\s+FROM\s+stdin(?:\s+WITH)?(?:\s+DELIMITER\s+'(.)')?\s*;\s*$/i);
    const include = line.match(/^\s*\\i\s+(\S+)\s*$/);
    const load = line.match(/^\s*\\copy\s+(\S+)\s+FROM\s+'([^']+)'\s*;?\s*$/i);
    const extension = line.match(/^\s*CREATE EXTENSION IF NOT EXISTS "?(\w+)"?/i);
    if (copy) {
      const end = lines.indexOf('\\.');
      if (end < 0) throw new Error(`${file}: COPY without an end`);
      out.push(insert(copy[1], lines.splice(0, end + 1).slice(0, -1), copy[2] || '\t'));
    } else if (include) {
      out.push(...plain(beside(file, include[1])));
    } else if (load) {
      const rows = fs.readFileSync(beside(file, load[2]), 'utf8').split('\n').filter((row) => row !== '');
      out.push(insert(load[1], rows, '\t'));
    } else if (/^\s*\\echo\b/.test(line)) {
      continue;
    } else if (extension && extension[1] === values.without) {
      out.push(`-- ${line} (prelude.sql has a stand-in)`);
    } else if (/^\s*\\[a-z]/i.test(line)) {
      throw new Error(`${file}: not plain: ${line}`);
    } else {
      out.push(line.replace(/:([A-Z_]+)\b/g, (all, name) => (name in values ? values[name] : all)));
    }
  }
  return out;
}

const manifest = [];
for (const line of fs.readFileSync(0, 'utf8').split('\n').filter((item) => item !== '')) {
  const [name, file] = line.split('\t');
  const order = String(manifest.length + 1).padStart(4, '0');
  fs.writeFileSync(path.join(to, `${order}.up.sql`), `${plain(file).join('\n')}\n`);
  manifest.push([order, name, `${order}.up.sql`, ''].join('\t'));
}
fs.writeFileSync(path.join(to, 'manifest.tsv'), `${manifest.join('\n')}\n`);
