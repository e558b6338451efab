package main

import (
	"errors"
	"slices"
	"syscall"
)

// getTicket tells how to get a ticket: as the message says, if it does.
func getTicket(f *failure) []action {
	fix := "kinit -c FILE:<FILE> <USER>@<REALM>"
	if f.credential != nil && f.credential.Fix != "" {
		fix = f.credential.Fix
	}
	return []action{here("get a ticket", fix), here("what tickets there are", "klist")}
}

// credentialRows are about a user with neither a password nor a ticket or key that can be used.
func credentialRows() []adviceRow {
	return slices.Concat(unusableRows(), missingRows())
}

// unusableRows are about tickets and keys that are there.
func unusableRows() []adviceRow {
	return []adviceRow{
		{
			advice:    advice{name: "no-password", means: "There is no ticket that can be used, and no password that one could be asked for with."},
			fits:      func(f *failure) bool { return has[*noPasswordError](f.err) },
			hintOf:    besidesFix("give a password: " + passwordSources),
			actionsOf: getTicket,
		},
		{
			advice: advice{
				name: "ticket-expired", hint: `kinit gets a new one; with a password, -u 'DOMAIN\user' --auth ntlm needs none`,
				means: "The ticket has expired. It was good, and can be had again.",
			},
			fits:      func(f *failure) bool { return f.credential != nil && f.credential.Expired },
			actionsOf: getTicket,
		},
		{
			advice: advice{
				name: "credential-directory", hint: "name the file in it: --ccache and --keytab take a file each, and so does $KRB5CCNAME",
				means: "What was named is a directory, where a ticket cache or a keytab is a file. Caches of the kind DIR are not read.",
				actions: []action{
					here("which cache kinit uses", "klist"), here("get a ticket in a file", "kinit -c FILE:<FILE> <USER>@<REALM>"),
					here("and use it", "hvmigerr get --ccache <FILE> <HOST>"),
				},
			},
			fits: func(f *failure) bool { return f.credential != nil && errors.Is(f.credential.Err, syscall.EISDIR) },
		},
		{
			advice: advice{
				name: "not-a-keytab", means: "The file is not a keytab, or a damaged one.", actions: []action{here("what the keytab holds", "klist -k <KEYTAB>")},
			},
			fits: func(f *failure) bool { return f.credential != nil && f.credential.Unsound && f.method.Keytab != "" },
		},
		{
			advice: advice{
				name: "not-a-ticket-cache", hint: "klist -c FILE shows a ticket cache that is one; a keytab goes by --keytab",
				means: "The file is not a ticket cache, or a damaged one.",
				actions: []action{
					here("what tickets there are, and in which file", "klist"), here("get a ticket in another file", "kinit -c FILE:<FILE> <USER>@<REALM>"),
				},
			},
			fits: func(f *failure) bool { return f.credential != nil && f.credential.Unsound },
		},
	}
}

// missingRows are about what is not told, and whatever else keeps a ticket or key from being used.
func missingRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{name: "no-user", means: "No user is named, and there is no ticket that would name one."},
			fits: func(f *failure) bool {
				return f.exit == exitAuthentication && f.method.auto && f.method.Mechanism == "" && f.user == ""
			},
			hintOf: besidesFix(`name a user of the host or its domain: -u 'DOMAIN\user' --auth ntlm needs a password and no ticket`),
			actionsOf: func(f *failure) []action {
				return append([]action{here("name a user", `hvmigerr get -u '<DOMAIN>\<USER>' <HOST>`)}, getTicket(f)...)
			},
		},
		{
			advice: advice{
				name: "keytab-user", hint: "-u USER@REALM says whose key in it is meant",
				means:   "The keytab was read, and holds the keys of several principals, or none of the user's.",
				actions: []action{here("whose keys it holds", "klist -k <KEYTAB>")},
			},
			fits: func(f *failure) bool { return f.credential != nil && f.credential.NotOne },
		},
		{
			advice: advice{
				name: "no-realm", hint: "-u USER@REALM needs no default_realm in krb5.conf",
				means:   "The user is named without a realm, and krb5.conf names none for such users.",
				actions: []action{here("name the realm", "hvmigerr get -u <USER>@<REALM> <HOST>")},
			},
			fits: func(f *failure) bool { return f.credential != nil && f.credential.NoRealm },
		},
		{
			advice:    advice{name: "no-ticket", means: "The ticket cache holds no ticket that can be used now. The message ends with the command that gets one."},
			fits:      func(f *failure) bool { return f.credential != nil && f.credential.Fix != "" },
			actionsOf: getTicket,
		},
		{
			advice: advice{
				name: "credential-file", means: "A file of Kerberos cannot be used as it is: a ticket cache, a keytab or krb5.conf.",
				actions: []action{here("what tickets there are", "klist"), here("what the keytab holds", "klist -k <KEYTAB>")},
			},
			fits: func(f *failure) bool { return f.credential != nil },
		},
	}
}

// besidesFix makes a hint that is another way than what the message says to run, if it says so.
func besidesFix(way string) func(*failure) string {
	return func(f *failure) string {
		if f.credential != nil && f.credential.Fix != "" {
			return "or " + way
		}
		return way
	}
}
