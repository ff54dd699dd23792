/** Rows of the test of wrong usage: commands that speak to a head-end. */

/** What is wrong, the arguments, and what the one line on stderr says. */
export const WRONG_USAGE_OF_API: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["top-up without a token", ["topup", "flat-7", "10.00"], /no token for the API/],
  ["alarms of a state that is none", ["alarms", "--state", "old"], /--state "old" is unknown; one of: open, all/],
  ["a note on no alarm", ["alarms", "--token", "x", "--note", "hi"], /--note belongs to --acknowledge/],
  ["availability by room", ["availability", "--by", "room"], /--by "room" is unknown; one of: meter, line, site/],
  ["availability from no time", ["availability", "--from", "June"], /--from: "June" is not an ISO 8601 time/],
  ["a token without a file", ["headend", "--add-token", "a"], /need to know the file.*give --tokens FILE/],
  ["a scope that is none", ["headend", "--scope", "write"], /"write" is no scope: take of read, operate/],
  ["a negative top-up", ["topup", "--token", "x", "flat-7", "--", "-1"], /"-1" is no amount of money above zero/],
  ["an amount with a third decimal", ["topup", "flat-7", "1.005", "--token", "x"], /no amount of money/],
  ["a read now of a meter that has no such name", ["read-now", "flat 7", "--token", "x"], /meter "flat 7"/],
  ["a read now that waits too long", ["read-now", "flat-7", "--token", "x", "--wait", "90"], /--wait "90".* 1 to 60/],
  ["an unknown audit action", ["audit", "repair"], /action "repair" is unknown; one of: verify, export/],
  [
    "a head that is none",
    ["audit", "verify", "--expect-head", "xyz"],
    /--expect-head "xyz" is no head; give the 64 hex/,
  ],
  [
    "entries without their head",
    ["audit", "verify", "--expect-entries", "3"],
    /--expect-head and --expect-entries belong together/,
  ],
  ["an order number that is none", ["order", "show", "x", "--token", "x"], /number "x" is not a whole number/],
  [
    "an unknown decision",
    ["order", "delete", "7", "--token", "x"],
    /action "delete" is unknown; one of: show, approve/,
  ],
  [
    "a deadline that is no time",
    ["relay", "open", "m", "--expires-at", "soon"],
    /--expires-at: "soon" is not an ISO 8601 time/,
  ],
  ["a balance that is none", ["relay", "open", "m", "--if-balance", "low"], /--if-balance "low" is no amount/],
  ["a mass order for nobody", ["mass", "open", "m1", "--token", "x"], /which meters\?; give one of --meters, --file/],
  [
    "a mass order for two selections",
    ["mass", "open", "m1", "--token", "x", "--all", "--meters", "a"],
    /which meters\?; give one of/,
  ],
  [
    "an unknown relay action",
    ["relay", "toggle", "flat-7", "--token", "x"],
    /"toggle" is unknown; one of: open, close/,
  ],
  [
    "a mass order approved in part",
    ["mass", "approve", "m1", "--token", "x", "--meters", "a"],
    /--meters is for open and/,
  ],
  ["opening directly", ["mass", "open", "m1", "--token", "x", "--all", "--direct"], /--direct is for close/],
  ["scopes of no token", ["headend", "--scope", "read"], /--scope and --expires belong to --add-token; write/],
  [
    "a token for no day",
    ["headend", "--tokens", "/nowhere/tokens", "--add-token", "a", "--expires", "0d"],
    /--expires: "0d" is not an ISO 8601 time.*for example 2027-12-31 or 90d/,
  ],
  ["an unknown action of the registry", ["registry", "delete"], /action "delete" is unknown; one of: list, show/],
  ["an exchange at no time", ["registry", "exchange", "m", "--opening", "0", "--at", "June"], /--at: "June" is not an/],
  ["a registry without an action", ["registry"], /registry needs an action.*list, show/],
  ["a ratio that is none", ["registry", "set", "m", "--token", "x", "--ct", "200:5"], /--ct "200:5" is no ratio/],
  ["a table that is not there", ["registry", "import", "/nowhere.csv", "--token", "x"], /nowhere.csv can't be read/],
  [
    "an exchange without an opening read",
    ["registry", "exchange", "m", "--token", "x"],
    /required option '--opening <KWH>' not specified/,
  ],
  ["nothing to set", ["registry", "set", "m", "--token", "x"], /says nothing to set/],
];
