package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// linkNamespaces are two network namespaces, one for the server and one for the client. A pair of virtual Ethernet devices is the link
// of each viewer. A token bucket on the server's side limits the rate of all links but the first.
type linkNamespaces struct{ name string }

// linkRates are the rates of the links in bytes per second; 0 means no limit.
var linkRates = []int{0, 1_000_000, 300_000}

// newLinks creates the namespaces, with names that begin with name. It needs root, ip and tc.
func newLinks(ctx context.Context, name string) (*linkNamespaces, error) {
	l := &linkNamespaces{name}
	if err := l.setUp(ctx); err != nil {
		l.remove()
		return nil, err
	}
	return l, nil
}

func (l *linkNamespaces) setUp(ctx context.Context) error {
	commands := []string{"ip netns add SRV", "ip netns add CLI"}
	for i, rate := range linkRates {
		commands = append(commands,
			fmt.Sprintf("ip -n SRV link add v%d type veth peer name v%d netns CLI", i, i),
			fmt.Sprintf("ip -n SRV addr add %s/30 dev v%d", linkAddress(i), i),
			fmt.Sprintf("ip -n CLI addr add 192.0.2.%d/30 dev v%d", 4*i+2, i),
			fmt.Sprintf("ip -n SRV link set v%d up", i),
			fmt.Sprintf("ip -n CLI link set v%d up", i))
		if rate > 0 {
			commands = append(commands, fmt.Sprintf("tc -n SRV qdisc add dev v%d root tbf rate %dbit burst 16kb latency 50ms", i, rate*8))
		}
	}
	names := strings.NewReplacer("SRV", l.name+"-s", "CLI", l.name+"-c")
	for _, c := range commands {
		words := strings.Fields(names.Replace(c))
		if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// remove removes the namespaces with their devices. It has its own context, so that it also works after an interrupt.
func (l *linkNamespaces) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, end := range []string{"-s", "-c"} {
		_ = exec.CommandContext(ctx, "ip", "netns", "del", l.name+end).Run()
	}
}

// linkAddress returns the server's address on link i. It is from a network reserved for documentation, and exists in the namespaces
// only.
func linkAddress(i int) string { return fmt.Sprintf("192.0.2.%d", 4*i+1) }

// serverPrefix and clientPrefix return the command prefixes that run a command in either namespace.
func (l *linkNamespaces) serverPrefix() []string {
	return []string{"ip", "netns", "exec", l.name + "-s"}
}
func (l *linkNamespaces) clientPrefix() []string {
	return []string{"ip", "netns", "exec", l.name + "-c"}
}

// linkGroups returns a viewer for each link, each as fast as its link.
func linkGroups() []string {
	var g []string
	for i := range linkRates {
		g = append(g, fmt.Sprintf("1:0:%s", linkAddress(i)))
	}
	return g
}
