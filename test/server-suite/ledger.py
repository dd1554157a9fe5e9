#!/usr/bin/env python3
"""Compares the ledger of a database with the server's log: no statement lost, none invented.

    ledger.py LOG.csv DATABASE LEDGER.csv

The server's log is the independent witness. With log_statement = all and log_duration = on it has every statement that a client
sent, in the order of its session, and a "duration" line if and only if it succeeded. From that this program follows each session
through BEGIN, SAVEPOINT, ROLLBACK TO, PREPARE TRANSACTION and so on, and so knows which schema changes have been committed since
CREATE EXTENSION. Their texts, as a multiset, have to be the texts of the ledger's records that are not nested:

- a text of the log that the ledger lacks is a lost statement, unless what it changes was temporary in that session: then the ledger
  may leave it out (it need not: text does not tell a temporary table from a permanent one of the same name);
- a text of the ledger that the log lacks is an invented one: of a statement that failed, or was rolled back;
- the number of times counts too, and so does the command tag, where a message was one statement.

Texts are compared exactly, but for comments and white space around them; literals that the ledger shows as '***' match anything.
Left out, because no log says what became of them: statements that functions and procedures run (nested records); and two cases in
which the ledger may have the text or not: messages of several statements that failed halfway through with a COMMIT in them, and
CONCURRENTLY that failed, which leaves an invalid index.
"""
import collections
import csv
import re
import sys

csv.field_size_limit(sys.maxsize)

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*)
      | (?P<string>[eE]'(?:[^'\\]|\\.|'')*' | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')
      | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*")
      | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
      | (?P<word>[^\W\d][\w$]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
COMMENT = re.compile(r"/\*|\*/")

BEFORE_NAME = {"only", "if", "not", "exists", "concurrently", "table"}

Token = collections.namedtuple("Token", "kind text start end depth")


def tokens(text):
    """Cuts text as the server's scanner does, without white space and comments; depth counts parentheses and BEGIN ATOMIC."""
    found, place, depth, blocks = [], 0, 0, 0
    while place < len(text):
        if text.startswith("/*", place):
            level, end = 0, place
            for mark in COMMENT.finditer(text, place):
                level += 1 if mark.group() == "/*" else -1
                end = mark.end()
                if level == 0:
                    break
            place = end if level == 0 else len(text)
            continue
        match = TOKEN.match(text, place)
        place = match.end()
        kind = match.lastgroup if match.lastgroup != "tag" else "dollar"
        if kind == "space":
            continue
        word = match.group()
        upper = word.upper()
        if word == ")":
            depth -= 1
        if kind == "word":
            if upper == "ATOMIC" and found and found[-1].text.upper() == "BEGIN" or blocks and upper == "CASE":
                blocks += 1
            elif blocks and upper == "END":
                blocks -= 1
        if kind == "quoted":
            word = word[1:-1].replace('""', '"')
        elif kind == "word":
            word = word.lower()
        found.append(Token(kind, word, match.start(), match.end(), depth + blocks))
        if match.group() == "(":
            depth += 1
        elif match.group() == ";" and depth < 0:
            depth = 0
    return found


class Statement:
    """One statement: its text without what is around it, its words, and whether what it changes is temporary."""

    def __init__(self, text, parts):
        self.text = text[parts[0].start : parts[-1].end]
        self.parts = parts
        self.words = [part.text for part in parts if part.kind == "word"]
        self.temporary = False
        self.tag = None

    def starts(self, *words):
        return [part.text for part in self.parts[: len(words)]] == list(words)

    def names_after(self, index):
        """Gives the relation names of a list "a, b.c, only d" that begins at a token, without their schemas."""
        names, parts = [], self.parts
        while index < len(parts):
            while index < len(parts) and parts[index].kind == "word" and parts[index].text in BEFORE_NAME:
                index += 1
            if index >= len(parts) or parts[index].kind not in ("word", "quoted"):
                break
            name = [parts[index].text]
            index += 1
            while index + 1 < len(parts) and parts[index].text == "." and parts[index + 1].kind in ("word", "quoted"):
                name.append(parts[index + 1].text)
                index += 2
            names.append(name)
            while index < len(parts) and parts[index].text == "*":
                index += 1
            if index < len(parts) and parts[index].text == ",":
                index += 1
            else:
                break
        return names

    def find(self, word, first=0):
        """Gives the place of a keyword outside parentheses, or -1."""
        for index in range(first, len(self.parts)):
            part = self.parts[index]
            if part.kind == "word" and part.text == word and part.depth == 0:
                return index
        return -1


def split(text):
    """Gives the statements of a message."""
    statements, current = [], []
    for token in tokens(text):
        if token.text == ";" and token.kind == "other" and token.depth == 0:
            if current:
                statements.append(Statement(text, current))
            current = []
        else:
            current.append(token)
    if current:
        statements.append(Statement(text, current))
    return statements


SCHEMA_CHANGES = {
    "create", "alter", "drop", "comment", "grant", "revoke", "reassign", "import", "reindex", "cluster", "refresh", "truncate",
}


def changes_schema(statement):
    """Tells whether the ledger records statements of this kind: all that event triggers see, and those of the utility hook."""
    first = statement.parts[0].text
    if first in SCHEMA_CHANGES:
        return True
    if statement.starts("security", "label"):
        return True
    if first in ("select", "with", "("):
        return is_select_into(statement)
    if first == "explain":
        return makes_what_it_explains(statement)
    return False


def makes_what_it_explains(statement):
    """EXPLAIN ANALYZE of CREATE TABLE AS; one with IF NOT EXISTS, in the server's suite, is of what is there."""
    words = [part.text for part in statement.parts if part.kind == "word"]
    if "create" not in words or "analyze" not in words[: words.index("create")]:
        return False
    return words[words.index("create") + 1 : words.index("create") + 5] != ["materialized", "view", "if", "not"] and "exists" not in words


def is_select_into(statement):
    for part in statement.parts:
        if part.kind == "word" and part.depth == 0:
            if part.text in ("insert", "update", "delete", "merge"):
                return False
            if part.text == "into":
                return True
    return False


KINDS = {
    "table", "view", "sequence", "index", "materialized", "function", "procedure", "routine", "aggregate", "type", "domain", "foreign",
    "operator", "collation", "statistics", "conversion", "text",
}
KIND_WORDS = KINDS | {"if", "not", "exists", "search", "configuration", "dictionary", "class", "family"}
ON_RELATION = {"trigger", "rule", "policy", "constraint"}


def targets(statement):
    """Gives the names of what a statement changes, as lists of their parts, as far as that can be told from its text."""
    words, parts = statement.words, statement.parts
    first = parts[0].text
    if first in ("truncate", "cluster"):
        return statement.names_after(1)
    if first in ("grant", "revoke"):
        on = statement.find("on")
        if on < 0:
            return []
        index = on + 1
        while parts[index].text in ("table", "sequence", "function", "type", "domain", "all"):
            index += 1
        return statement.names_after(index)
    if first in ("select", "with", "("):
        into = statement.find("into")
        index = into + 1
        while parts[index].text in ("temp", "temporary", "local", "global", "table", "unlogged"):
            index += 1
        return statement.names_after(index)
    if first == "reindex":
        index = 1
        while index < len(parts) and parts[index].text != "(" and parts[index].text in ("table", "index", "concurrently"):
            index += 1
        return statement.names_after(index)
    if first == "comment":
        kind = parts[2].text
        if kind in ON_RELATION:
            on = statement.find("on", 3)
            return statement.names_after(on + 1)
        if kind == "column":
            return [name[:-1] for name in statement.names_after(3)]
        return statement.names_after(3)
    if first in ("create", "alter", "drop"):
        for index in range(1, min(len(parts), 10)):
            word = parts[index].text
            if parts[index].kind != "word":
                break
            if word in ON_RELATION and first != "alter" or word in ("trigger", "policy", "rule"):
                on = statement.find("to" if word == "rule" and first == "create" else "on", index)
                # CREATE TRIGGER has "ON table" after "INSERT OR UPDATE OF column"; CREATE RULE has "ON event TO table".
                return statement.names_after(on + 1) if on > 0 else []
            if word == "index" and first == "create":
                return statement.names_after(statement.find("on", index) + 1)
            if word == "statistics" and first == "create":
                own = statement.names_after(index + 1)
                return own if any("pg_temp" in name for name in own) else statement.names_after(statement.find("from", index) + 1)
            if word in KINDS:
                while parts[index].text in KIND_WORDS and index + 1 < len(parts):
                    index += 1
                return statement.names_after(index)
    return []


def creates_temporary(statement):
    """Tells whether a statement says itself that what it makes is temporary."""
    head = [part.text for part in statement.parts[:6]]
    if head[0] == "create" and ("temp" in head[1:5] or "temporary" in head[1:5]):
        return True
    if head[0] in ("select", "with", "("):
        into = statement.find("into")
        after = [part.text for part in statement.parts[into + 1 : into + 3]]
        return "temp" in after or "temporary" in after
    return False


def creates_relation(statement):
    """Tells whether the target of a statement is a relation that it makes."""
    words = statement.words[:6]
    return words[0] == "create" and ("table" in words or "view" in words or "sequence" in words) or words[0] in ("select", "with")


class Session:
    """Follows one session of the log; what it commits goes to a list that all sessions share."""

    def __init__(self, world):
        self.world = world
        self.levels = None  # in a transaction block: [(savepoint, [statement, ...]), ...]
        self.failed = False
        self.message = None  # the statements of the message that runs now
        self.temporary = set()
        self.temporary_by_notice = False

    def begin_message(self, text):
        self.end_message(False)
        self.message = split(text)
        self.temporary_by_notice = False

    def error(self, fatal):
        message = self.message
        if self.levels is not None:
            self.failed = True
        self.end_message(False)
        # A COMMIT or PREPARE TRANSACTION that fails ends the block as well.
        ends = message and (message[-1].parts[0].text in ("commit", "end") or message[-1].starts("prepare", "transaction"))
        if fatal or ends:
            self.levels, self.failed = None, False

    def notice(self, text):
        if text.endswith("will be a temporary view") or text.endswith("will be a temporary sequence"):
            self.temporary_by_notice = True

    def end_message(self, succeeded, tag=None):
        message, self.message = self.message, None
        if message is None:
            return
        if len(message) == 1:
            message[0].tag = {"SELECT": "SELECT INTO", "EXPLAIN": None}.get(tag, tag)
        if succeeded:
            for statement in message:
                self.succeed(statement)
            return
        # What is known to have been committed or not is only unknown where a COMMIT or CONCURRENTLY came before the error.
        control = any(statement.parts[0].text in ("commit", "end", "prepare", "rollback") for statement in message)
        for statement in message:
            if changes_schema(statement) and (len(message) > 1 and control or "concurrently" in statement.words):
                self.world.either[statement.text] += 1

    def succeed(self, statement):
        first = statement.parts[0].text
        words = statement.words
        if first in ("begin", "start") and words[:2] != ["start", "replication"]:
            if self.levels is None:
                self.levels = [(None, [])]
        elif first == "savepoint" and self.levels is not None:
            self.levels.append((statement.parts[1].text, []))
        elif first == "release" and self.levels is not None:
            name = statement.parts[-1].text
            while len(self.levels) > 1:
                savepoint, kept = self.levels.pop()
                self.levels[-1][1].extend(kept)
                if savepoint == name:
                    break
        elif first in ("rollback", "abort") and "to" in words:
            if self.levels is not None:
                name = statement.parts[-1].text
                while len(self.levels) > 1 and self.levels[-1][0] != name:
                    self.levels.pop()
                self.levels[-1] = (self.levels[-1][0], [])
                self.failed = False
        elif first in ("commit", "rollback") and words[1:2] == ["prepared"]:
            kept = self.world.prepared.pop(statement.parts[2].text, [])
            if first == "commit":
                self.world.commit(kept)
        elif first == "discard":
            self.temporary.clear()
        elif first in ("commit", "end", "rollback", "abort"):
            if self.levels is not None:
                if first in ("commit", "end") and not self.failed:
                    self.world.commit(self.pending())
                self.levels = [(None, [])] if "chain" in words and "no" not in words else None
                self.failed = False
        elif first == "prepare" and words[1:2] == ["transaction"]:
            if self.levels is not None and not self.failed:
                self.world.prepared[statement.parts[2].text] = self.pending()
            self.levels, self.failed = None, False
        elif changes_schema(statement):
            self.note_temporary(statement)
            if self.levels is None:
                self.world.commit([statement])
            else:
                self.levels[-1][1].append(statement)

    def pending(self):
        return [statement for _, kept in self.levels for statement in kept]

    def note_temporary(self, statement):
        """Notes why the ledger may leave the statement out, and which names are temporary from now on."""
        first, found = statement.parts[0].text, targets(statement)
        names = {name[-1] for name in found}
        if creates_temporary(statement) or self.temporary_by_notice or any("pg_temp" in name for name in found):
            self.temporary |= names
            statement.temporary = True
        elif creates_relation(statement):
            self.temporary -= names
        elif names and all(self.is_temporary(name, statement) for name in names):
            statement.temporary = True
            # The new name of a temporary object, and an index on one, are temporary as well.
            rename = statement.find("rename")
            if rename > 0 and statement.find("column") < 0:
                self.temporary |= {name[-1] for name in statement.names_after(statement.find("to", rename) + 1)}
            if first == "create" and "index" in statement.words[:4]:
                place = next(index for index, part in enumerate(statement.parts) if part.text == "index")
                self.temporary |= {name[-1] for name in statement.names_after(place + 1)}
            if first == "drop" and statement.find("on") < 0:
                self.temporary -= names


    def is_temporary(self, name, statement):
        """Tells whether a name is that of a temporary object; the server names indexes and sequences TABLE_something itself."""
        if name in self.temporary:
            return True
        return bool({"index", "sequence"} & set(statement.words[:3])) and any(name.startswith(table + "_") for table in self.temporary)


class World:
    """What all sessions share."""

    def __init__(self):
        self.committed = []
        self.prepared = {}
        self.either = collections.Counter()

    def commit(self, statements):
        self.committed.extend(statements)


def read_log(path, database, extension="migration_governance"):
    """Gives what was committed in the database after CREATE EXTENSION, and what may have been."""
    world, sessions, born = World(), {}, False
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        for row in csv.reader(file):
            if len(row) < 23 or row[2] != database:
                continue
            session = sessions.get(row[5])
            if session is None:
                session = sessions[row[5]] = Session(world)
            severity, message = row[11], row[13]
            if severity in ("ERROR", "FATAL", "PANIC"):
                session.error(severity != "ERROR")
            elif severity == "NOTICE":
                session.notice(message)
            elif severity == "LOG":
                match = re.match(r"(?:statement|execute [^:]*): (.*)", message, re.DOTALL)
                if match:
                    session.begin_message(match.group(1))
                elif message.startswith("duration: "):
                    creating = [statement for statement in session.message or []
                                if statement.starts("create", "extension") and extension in [part.text for part in statement.parts]]
                    session.end_message(True, row[7])
                    if creating and not born:
                        born = True
                        world.committed = creating
    return world


def read_ledger(path):
    """Gives the texts of the records that are not nested, without what is around them, their tags, and how many are nested."""
    texts, tags, nested = collections.Counter(), collections.defaultdict(set), 0
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        for row in csv.DictReader(file):
            if row["nested"] in ("t", "true"):
                nested += 1
                continue
            parts = tokens(row["statement"] or "")
            while parts and parts[-1].text == ";":
                parts.pop()
            text = row["statement"][parts[0].start : parts[-1].end] if parts else row["tag"]
            texts[text] += 1
            tags[text].add(row["tag"])
    return texts, tags, nested


def match_redacted(missing, extra):
    """Pairs texts of the log with texts of the ledger in which literals are hidden."""
    for text in [text for text in extra if "'***'" in text]:
        literal = r"(?:[eE]|[uU]&)?'(?:[^'\\]|\\.|'')*'"
        pattern = re.compile(literal.join(re.escape(piece) for piece in text.split("'***'")), re.DOTALL)
        for candidate in list(missing):
            while missing[candidate] and extra[text] and pattern.fullmatch(candidate):
                missing[candidate] -= 1
                extra[text] -= 1


def show(title, texts):
    print(f"{title}: {sum(texts.values())}")
    for text, count in sorted(texts.items())[:40]:
        line = " ".join(text.split())
        print(f"  {count} x {line[:300]}")


def main(log, database, ledger):
    world = read_log(log, database)
    texts, tags, nested = read_ledger(ledger)
    wanted = collections.Counter(statement.text for statement in world.committed)
    temporary = collections.Counter(statement.text for statement in world.committed if statement.temporary)

    missing, extra = wanted - texts, texts - wanted
    match_redacted(missing, extra)
    missing, extra = +missing, (+extra) - world.either
    left_out = missing & temporary
    missing -= left_out

    kept = sum(wanted.values()) - sum(left_out.values()) - sum(missing.values())
    print(f"{sum(wanted.values())} schema changes of clients were committed: {kept} are in the ledger, "
          f"{sum(left_out.values())} of temporary objects are left out, {sum(missing.values())} lost, {sum(extra.values())} invented; "
          f"{nested} records of nested statements")
    mistagged = collections.Counter(
        f"{statement.text}: {statement.tag} in the log, {', '.join(sorted(tags[statement.text]))} in the ledger"
        for statement in world.committed
        if statement.tag and statement.text in tags and statement.tag not in tags[statement.text])
    if missing:
        show("lost", missing)
    if extra:
        show("invented", extra)
    if mistagged:
        show("with another tag", mistagged)
    return 1 if missing or extra or mistagged or not kept else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
