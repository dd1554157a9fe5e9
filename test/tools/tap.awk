# Reads one program's TAP and prints "PASSED FAILED SKIPPED", then what failed, each with its diagnostics.
# -v status=N is the program's exit status, -v name=TEXT what to call it. Subtests (indented) count through their parent, which shows
# what failed in them.

/^1\.\.[0-9]+/ {
    plan = substr($1, 4) + 0
    planned = 1
    in_failure = 0
    if (plan == 0) skipped++
    next
}

/^(not )?ok( |$)/ {
    seen++
    in_failure = 0
    inner = within
    within = ""
    in_inner = 0
    if (/# *(TODO|todo)/) passed++
    else if (/^ok/) {
        passed++
        if (/# *(SKIP|skip)/) skipped++
    } else {
        failed++
        in_failure = 1
        report = report name ": " $0 "\n" inner
    }
    next
}

/^ +(not )?ok( |$)/ {
    in_inner = /^ +not ok/ && !/# *(TODO|todo)/
    if (in_inner) within = within "    " $0 "\n"
}

in_inner && /^ +#/ && !/^ +# +Subtest: / { within = within "    " $0 "\n" }

/^Bail out!/ { problem($0) }

in_failure && /^ *#/ && !/^# Subtest: / { report = report "    " $0 "\n" }

{ last[NR % 20] = $0 }

function problem(text) {
    failed++
    report = report name ": " text "\n"
}

# A program that ends early shows what it said last: that is usually the error.
function tail(    i) {
    for (i = NR + 1; i <= NR + 20; i++) if (last[i % 20] != "") report = report "    " last[i % 20] "\n"
}

END {
    if (status == 124 || status == 137) { problem("stopped after " limit " s"); tail() }
    else if (!planned) { problem("no plan (exit status " status ")"); tail() }
    else if (plan != seen) { problem("planned " plan " tests, ran " seen + 0 " (exit status " status ")"); tail() }
    else if (status != 0 && !failed) { problem("exit status " status); tail() }
    printf "%d %d %d\n%s", passed, failed, skipped, report
}
