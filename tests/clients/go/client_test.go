// Opening tables, lists of meta servers, time limits, concurrency, and the client's own metrics.

package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/incubator-pegasus/go-client/config"
	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

func contextFor(limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), limit)
}

// What a client's error is about: PError does not unwrap itself.
func innerError(t *testing.T, err error) error {
	var outer *pegasus.PError
	require.True(t, errors.As(err, &outer), "%v", err)
	return outer.Err
}

// An address where somebody listens but never answers.
func silentServer(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener.Addr().String()
}

// An address where nobody listens.
func deadAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

func TestOpenTable(t *testing.T) {
	client := newClient(t)
	first, err := client.OpenTable(soon(t), table)
	require.NoError(t, err)
	second, err := client.OpenTable(soon(t), table)
	require.NoError(t, err)
	require.True(t, first == second, "an opened table is opened once")

	_, err = client.OpenTable(soon(t), "no-such-table")
	require.ErrorContains(t, err, "ERR_OBJECT_NOT_FOUND")
	require.Equal(t, pegasus.OpQueryConfig, err.(*pegasus.PError).Op)
}

func TestOpenTableConcurrently(t *testing.T) {
	client := newClient(t)
	var group sync.WaitGroup
	for i := 0; i < 20; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := client.OpenTable(soon(t), table)
			require.NoError(t, err)
		}()
	}
	group.Wait()
}

func TestOpenTableInVain(t *testing.T) {
	for name, address := range map[string]string{"silent": silentServer(t), "dead": deadAddress(t)} {
		client := pegasus.NewClient(config.Config{MetaServers: []string{address}})
		ctx, cancel := contextFor(500 * time.Millisecond)
		_, err := client.OpenTable(ctx, table)
		require.ErrorContains(t, err, "deadline exceeded", name)
		cancel()
		require.NoError(t, client.Close())
	}
}

func TestMetaListWithDeadEntries(t *testing.T) {
	servers := append([]string{deadAddress(t), silentServer(t)}, metaServers(t)...)
	client := pegasus.NewClient(config.Config{MetaServers: servers})
	defer client.Close()
	tb, err := client.OpenTable(soon(t), table)
	require.NoError(t, err)
	require.NoError(t, tb.Set(soon(t), ownHashKey(t), []byte("s"), []byte("v")))
}

func TestMetaServerByName(t *testing.T) {
	_, port, err := net.SplitHostPort(metaServers(t)[0])
	require.NoError(t, err)
	client := pegasus.NewClient(config.Config{MetaServers: []string{"localhost:" + port}})
	defer client.Close()
	_, err = client.OpenTable(soon(t), table)
	require.NoError(t, err)
}

func TestContexts(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	require.NoError(t, tb.Set(soon(t), hashKey, []byte("s"), []byte("v")))

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := tb.Get(cancelled, hashKey, []byte("s"))
	require.ErrorContains(t, err, "context canceled")
	past, cancel := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = tb.Get(past, hashKey, []byte("s"))
	require.ErrorContains(t, err, "deadline exceeded")

	// The client cuts nanoseconds to 32 bits and so sends 1,410 ms for ten seconds, and nonsense
	// without a deadline: the server must not take the number for a limit.
	for _, ctx := range []context.Context{context.Background(), soon(t)} {
		value, err := tb.Get(ctx, hashKey, []byte("s"))
		require.NoError(t, err)
		require.Equal(t, []byte("v"), value)
	}
}

func TestErrorsSayWhatFailed(t *testing.T) {
	tb := openTable(t, table)
	_, err := tb.Get(soon(t), nil, nil)
	require.Equal(t, pegasus.OpGet, err.(*pegasus.PError).Op)
	require.Contains(t, err.Error(), "pegasus GET failed")
}

func TestConcurrentUse(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	const workers, rounds = 32, 50
	var group sync.WaitGroup
	failures := make(chan error, workers)
	for worker := 0; worker < workers; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			failures <- useTable(tb, fmt.Sprintf("%s-%d", hashKey, worker), hashKey, rounds)
		}(worker)
	}
	group.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	total, err := tb.Incr(soon(t), hashKey, []byte("total"), 0)
	require.NoError(t, err)
	require.EqualValues(t, workers*rounds, total, "no increment is lost or done twice")
}

func useTable(tb pegasus.TableConnector, own string, shared []byte, rounds int) error {
	ctx, cancel := contextFor(patience)
	defer cancel()
	for round := 0; round < rounds; round++ {
		value := fmt.Sprint(round)
		if err := tb.Set(ctx, []byte(own), []byte("s"), []byte(value)); err != nil {
			return err
		}
		if read, err := tb.Get(ctx, []byte(own), []byte("s")); err != nil || string(read) != value {
			return fmt.Errorf("read %q instead of %q, error %v", read, value, err)
		}
		if _, err := tb.Incr(ctx, shared, []byte("total"), 1); err != nil {
			return err
		}
	}
	return nil
}

func TestConfiguration(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	// The client keeps its metrics for the life of the process: this is the only test with them.
	client := pegasus.NewClient(*config.NewConfig(metaServers(t),
		config.WithEnablePrometheus(true),
		config.WithPrometheusPort(port),
		config.WithPerfCounterTags(map[string]string{"suite": "clients"})))
	defer client.Close()
	tb, err := client.OpenTable(soon(t), table)
	require.NoError(t, err)
	require.NoError(t, tb.Set(soon(t), ownHashKey(t), []byte("s"), []byte("v")))

	require.Eventually(t, func() bool {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/metrics", port))
		if err != nil {
			return false
		}
		defer response.Body.Close()
		page, err := io.ReadAll(response.Body)
		return err == nil && strings.Contains(string(page), `operation="SET",status="success",suite="clients"`)
	}, patience, 50*time.Millisecond)
}

func TestClosedTable(t *testing.T) {
	client := newClient(t)
	tb, err := client.OpenTable(soon(t), table)
	require.NoError(t, err)
	require.NoError(t, tb.Close())
	// Only the refresh of the routing ends; the connections belong to the client.
	require.NoError(t, tb.Set(soon(t), ownHashKey(t), []byte("s"), []byte("v")))
}
