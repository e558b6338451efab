package main

import (
	"errors"
	"slices"

	"github.com/hvmigerr/hvmigerr/invoke/events"
	"github.com/hvmigerr/hvmigerr/wsman/transport/winrm"
)

// Actions on the event log (facts/event-log.md §3 and §4).
func logReader() action {
	return onHost("let the user read the event log (in another language of Windows: -SID S-1-5-32-573); it counts from the next logon on",
		`Add-LocalGroupMember -Group 'Event Log Readers' -Member '<USER>'`)
}

func throughShell() action {
	return here("read the log through a remote shell", "hvmigerr events --via shell <HOST>")
}

func throughServerManager() action {
	return here("read the log without a remote shell", "hvmigerr events --via servermanager <HOST>")
}

// bothRoutes ends a hint that sends to the other way to the log, so that nobody is sent to and fro.
const bothRoutes = "; if that is closed too there is no other, and hvmigerr doctor tells of both"

// eventRows are about the event log and the ways to it. They come before those about what a host lacks, which would take the class of
// a route for one of Hyper-V.
func eventRows() []adviceRow {
	return slices.Concat(channelRows(), routeRows())
}

// channelRows are about a log that was asked for.
func channelRows() []adviceRow {
	channel := func(codes ...uint32) func(*failure) bool {
		return func(f *failure) bool {
			return matches(f.err, func(e *events.ChannelError) bool { return slices.Contains(codes, e.Code) })
		}
	}
	return []adviceRow{
		{
			advice: advice{
				name:    "log-denied",
				hint:    "is the user in Event Log Readers on the host? A new membership counts from the next logon on",
				means:   "The host took the user, who may not read this log there.",
				actions: []action{logReader(), onHost("who may read a log: channelAccess", "wevtutil gl <CHANNEL>")},
			},
			fits: func(f *failure) bool { return f.exit == exitDenied && channel(5)(f) },
		},
		{
			advice: advice{
				name:    "no-log",
				hint:    "which logs there are tells, on the host: wevtutil el",
				means:   "The host has no log of this name. Names have to be whole: Microsoft-Windows-Hyper-V-VMMS-Admin.",
				actions: []action{onHost("which logs there are", "wevtutil el")},
			},
			fits: channel(15000, 15007),
		},
		{
			advice: advice{
				name:    "log-service",
				hint:    "the Event Log service does not answer on the host; there: Get-Service EventLog",
				means:   "The service that keeps the logs is stopped or starting.",
				actions: []action{onHost("is it running", "Get-Service EventLog")},
			},
			fits: channel(1717, 1722),
		},
		{
			advice: advice{
				name:    "no-wevtutil",
				hint:    "the host does not run wevtutil: leave out --via shell" + bothRoutes,
				means:   "The remote shell has no program of that name, or may not run it.",
				actions: []action{throughServerManager()},
			},
			fits: channel(9009),
		},
		{
			advice: advice{
				name:    "log-torn",
				hint:    "ask again; --via takes another route to the log",
				means:   "An answer of the host ended within an event, or one event was too large for an answer. What came is shown.",
				actions: []action{throughShell(), throughServerManager(), keepTrace()},
			},
			fits: func(f *failure) bool {
				return errors.Is(f.err, events.ErrTruncated) || errors.Is(f.err, events.ErrTooLarge)
			},
		},
	}
}

// routeRows are about a way to the log.
func routeRows() []adviceRow {
	return []adviceRow{
		{
			advice: advice{
				name:    "no-servermanager",
				hint:    "--via shell takes another route to the event log, which wants an administrator on most hosts" + bothRoutes,
				means:   "The host lacks MSFT_ServerManagerTasks, which comes with Windows Server 2016 and later, and not with every Windows client.",
				actions: []action{throughShell()},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, events.ErrNoServerManager) },
		},
		{
			advice: advice{
				name:  "servermanager-denied",
				hint:  "the user needs Event Log Readers and Remote Management Users on the host (there: Enable-ServerManagerStandardUserRemoting -User NAME)",
				means: "The host took the user, who may not call the method that gives events.",
				actions: []action{
					onHost("give the user both, and what Server Manager needs else", "Enable-ServerManagerStandardUserRemoting -User '<USER>'"), logReader(), remoteMember(),
				},
			},
			fits: func(f *failure) bool { return f.exit == exitDenied && f.class == "MSFT_ServerManagerTasks" },
		},
		{
			advice: advice{
				name:  "shells-disabled",
				hint:  "the host's policy allows no remote shell: leave out --via shell" + bothRoutes,
				means: "The policy \"Allow Remote Shell Access\" is off on the host. The default route to the log needs no shell.",
				actions: []action{
					throughServerManager(), onHost("the setting: AllowRemoteShellAccess", "winrm get winrm/config/winrs"),
				},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, winrm.ErrShellsDisabled) },
		},
		{
			advice: advice{
				name:  "shell-quota",
				hint:  "the user has as many remote shells on the host as are allowed: leave out --via shell, or ask again when others have ended",
				means: "A shell that nobody has ended counts until its idle time is over.",
				actions: []action{
					throughServerManager(), onHost("which there are", "Get-WSManInstance shell -Enumerate"),
					onHost("the limit: MaxShellsPerUser", "winrm get winrm/config/winrs"),
				},
			},
			fits: func(f *failure) bool { return errors.Is(f.err, winrm.ErrShellQuota) },
		},
		{
			advice: advice{
				name:    "shell-denied",
				hint:    "most hosts open a remote shell for administrators alone: leave out --via shell" + bothRoutes,
				means:   "The host took the user and opens no remote shell, for which RootSDDL must give the right GX.",
				actions: []action{throughServerManager(), showRootSDDL()},
			},
			fits: func(f *failure) bool { return f.exit == exitDenied && f.class == "cmd" },
		},
	}
}
