package daemon

import (
	"github.com/KimMachineGun/automemlimit/memlimit"
	"go.uber.org/zap"
)

// memoryShare is the share of the memory that the Go heap of the daemon may use before the garbage collector works harder. The rest is for
// capture processes in the same cgroup. If memory runs out, the kernel kills one of them first: see package confine.
const memoryShare = 0.5

// limitGoHeap sets Go's memory limit to a share of the cgroup's limit, or of the machine's memory if that is less. GOMEMLIMIT in the
// environment overrides it.
func limitGoHeap(log *zap.Logger) {
	limit, err := memlimit.Set(memlimit.WithProvider(availableMemory), memlimit.WithRatio(memoryShare))
	if err != nil {
		log.Warn("memory limit not set", zap.Error(err))
		return
	}
	log.Debug("memory limit set", zap.Int64("bytes", limit))
}

func availableMemory() (uint64, error) {
	machine, err := memlimit.FromSystem()
	if err != nil {
		return 0, err
	}
	// FromCgroup returns an error if the group has no limit or the system has no groups.
	if group, err := memlimit.FromCgroup(); err == nil {
		return min(group, machine), nil
	}
	return machine, nil
}
