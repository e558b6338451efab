// Package events reads the story of migrations from a host's event log, which knows it long after the job is gone.
//
// [Read] asks a [Source] for the channels that tell of migrations and puts what belongs together into an [Incident]: the virtual
// machine, the time, the role of the host, how it ended and why. Two sources exist, which give the same incidents: [ServerManager]
// calls a method of the class MSFT_ServerManagerTasks, and [Wevtutil] runs wevtutil in a remote shell. [Merge] makes one incident of
// what both ends of a migration say.
//
// A [Log] tells how far back its channel reaches: that an event is missing proves something only within that time. Nothing here
// depends on the language of the host, as far as ids, fields and codes tell; nothing changes anything on it.
//
// # Errors
//
// A channel that could not be read has a [*ChannelError] in [Log.Err], and one that was read in part an error in [Log.Partial],
// beside the events that came. The migrations' own errors are results, never error returns.
package events
