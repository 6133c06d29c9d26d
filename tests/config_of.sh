# config_of.sh - a configuration with only some venues in it. Sourced.
#
# A section goes when it is of a venue that is not wanted: [VENUE_name], or with a line VENUE=name in it.

config_of() { # "VENUE ..." FROM TO
    local file
    mkdir -p "$3"
    for file in "$2"/*.ini; do
        awk -v wanted=" $1 " '
            function flush() {
                if (name ~ /^VENUE_/)
                    venue = tolower(substr(name, 7))
                if (venue == "" || index(wanted, " " venue " "))
                    printf "%s", text
                text = venue = ""
            }
            /^[[:space:]]*\[/ { flush(); name = $1; gsub(/[][]/, "", name) }
            /^VENUE=/ { venue = tolower(substr($0, 7)) }
            { text = text $0 "\n" }
            END { flush() }' "$file" >"$3/${file##*/}"
    done
}
