#!/bin/sh
# Creates a job, brings it the URLs of a file, waits for its end and prints its
# numbers as JSON.
#
#   seed.sh trawl JOB FILE   with the command, which asks the Redis of TRAWL_REDIS
#   seed.sh curl JOB FILE    with curl alone, over the dashboard's API at DASHBOARD,
#                            with TRAWL_TOKEN if it has one
#
# FILE has a URL a line and may be of any length; - is standard input. DELAY is
# the time between two requests to a host.
set -eu

DASHBOARD=${DASHBOARD:-http://127.0.0.1:8080}
DELAY=${DELAY:-1s}

# api METHOD PATH [CURL'S ARGUMENTS…]
api() {
	method=$1 path=$2
	shift 2
	curl --silent --show-error --fail-with-body --request "$method" \
		${TRAWL_TOKEN:+--header "Authorization: Bearer $TRAWL_TOKEN"} "$@" "$DASHBOARD/api/v1$path"
}

with_trawl() {
	settings=$(mktemp)
	trap 'rm -f "$settings"' EXIT
	printf 'name: %s\ndelay: %s\n' "$1" "$DELAY" >"$settings"
	trawl job create "$settings"
	trawl seed "$1" "$2" # also .gz and .zst
	trawl job watch "$1" >&2
	trawl job show "$1" --json
}

with_curl() {
	api POST /jobs --header 'Content-Type: application/json' \
		--data "{\"name\": \"$1\", \"delay\": \"$DELAY\"}" >&2
	# --upload-file streams; --data-binary would read the whole list first.
	api POST "/jobs/$1/seeds" --header 'Content-Type: text/plain' --upload-file "$2" >&2
	while api GET "/jobs/$1" | grep -Eq '"state": "(created|running|paused)"'; do
		sleep 1
	done
	api GET "/jobs/$1"
}

case $#:${1-} in
3:trawl) with_trawl "$2" "$3" ;;
3:curl) with_curl "$2" "$3" ;;
*)
	echo "usage: $0 trawl|curl JOB FILE" >&2
	exit 2
	;;
esac
