// Scanners: of one hash key, and of a whole table.

package clients

import (
	"context"
	"fmt"
	"testing"

	"github.com/apache/incubator-pegasus/go-client/pegasus"
	"github.com/stretchr/testify/require"
)

// Everything that a scanner finds, by "hash key/sort key". No record may come twice.
func readAll(t *testing.T, scanners ...pegasus.Scanner) map[string]string {
	found := map[string]string{}
	for _, scanner := range scanners {
		for {
			completed, hashKey, sortKey, value, err := scanner.Next(soon(t))
			require.NoError(t, err)
			if completed {
				break
			}
			name := string(hashKey) + "/" + string(sortKey)
			require.NotContains(t, found, name, "a record came twice")
			found[name] = string(value)
		}
		require.NoError(t, scanner.Close())
	}
	return found
}

func inOrder(t *testing.T, scanner pegasus.Scanner) []string {
	sortKeys := []string{}
	for {
		completed, _, sortKey, _, err := scanner.Next(soon(t))
		require.NoError(t, err)
		if completed {
			require.NoError(t, scanner.Close())
			return sortKeys
		}
		sortKeys = append(sortKeys, string(sortKey))
	}
}

func TestHashScan(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 50)
	// A neighbour that begins with the same bytes.
	fill(t, tb, append(hashKey[:len(hashKey):len(hashKey)], 'x'), 5)

	for _, batchSize := range []int{1, 7, 50, 1000} {
		options := pegasus.NewScanOptions()
		options.BatchSize = batchSize
		scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
		require.NoError(t, err)
		require.Equal(t, names(sortKeys), inOrder(t, scanner))
	}
}

func TestHashScanRange(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 10)
	for _, startInclusive := range []bool{true, false} {
		for _, stopInclusive := range []bool{true, false} {
			options := pegasus.NewScanOptions()
			options.StartInclusive, options.StopInclusive = startInclusive, stopInclusive
			from, to := 3, 7
			if !startInclusive {
				from++
			}
			if stopInclusive {
				to++
			}
			scanner, err := tb.GetScanner(soon(t), hashKey, sortKeys[3], sortKeys[7], options)
			require.NoError(t, err)
			require.Equal(t, names(sortKeys[from:to]), inOrder(t, scanner))
		}
	}
	_, err := tb.GetScanner(soon(t), hashKey, sortKeys[7], sortKeys[3], pegasus.NewScanOptions())
	require.ErrorContains(t, err, "MUST NOT BE EMPTY")
	_, err = tb.GetScanner(soon(t), nil, nil, nil, pegasus.NewScanOptions())
	require.ErrorContains(t, err, "InvalidParameter")
}

func TestHashScanOfBinaryKeys(t *testing.T) {
	tb, hashKey := openTable(t, table), append(ownHashKey(t), 0xff, 0xff)
	sortKeys := [][]byte{{}, {0}, {0, 0}, {0x7f}, {0xff}, {0xff, 0xfe, 0xff}}
	require.NoError(t, tb.MultiSet(soon(t), hashKey, sortKeys, sortKeys))
	// Without a stop key the client stops before ff ff, so it misses this one.
	require.NoError(t, tb.Set(soon(t), hashKey, []byte{0xff, 0xff, 1}, []byte("missed")))
	options := pegasus.NewScanOptions()
	options.BatchSize = 2
	scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
	require.NoError(t, err)
	require.Equal(t, names(sortKeys), inOrder(t, scanner))
}

func TestHashScanFiltersAndNoValue(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := [][]byte{[]byte("abc"), []byte("bcd"), []byte("xab"), []byte("zzz")}
	require.NoError(t, tb.MultiSet(soon(t), hashKey, sortKeys, sortKeys))
	for _, example := range []struct {
		filter pegasus.FilterType
		text   string
		want   []string
	}{
		{pegasus.FilterTypeMatchAnywhere, "bc", []string{"abc", "bcd"}},
		{pegasus.FilterTypeMatchPrefix, "b", []string{"bcd"}},
		{pegasus.FilterTypeMatchPostfix, "ab", []string{"xab"}},
	} {
		options := pegasus.NewScanOptions()
		options.BatchSize = 1
		options.SortKeyFilter = pegasus.Filter{Type: example.filter, Pattern: []byte(example.text)}
		scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
		require.NoError(t, err)
		require.Equal(t, example.want, inOrder(t, scanner), fmt.Sprint(example))
	}

	options := pegasus.NewScanOptions()
	options.NoValue = true
	scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
	require.NoError(t, err)
	for name, value := range readAll(t, scanner) {
		require.Empty(t, value, name)
	}
}

func TestScannerClosedEarly(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	fill(t, tb, hashKey, 10)
	options := pegasus.NewScanOptions()
	options.BatchSize = 2
	scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
	require.NoError(t, err)
	_, _, _, _, err = scanner.Next(soon(t))
	require.NoError(t, err)
	// No server ever answers clear_scanner; the client waits 100 ms for it and calls that an error.
	require.ErrorIs(t, innerError(t, scanner.Close()), context.DeadlineExceeded)
	_, _, _, _, err = scanner.Next(soon(t))
	require.ErrorContains(t, err, "closed")
	// The connection is as good as before.
	_, err = tb.Get(soon(t), hashKey, []byte("s0000"))
	require.NoError(t, err)
}

func TestScanSeesTheTableAsItWasForEachBatch(t *testing.T) {
	tb, hashKey := openTable(t, table), ownHashKey(t)
	sortKeys := fill(t, tb, hashKey, 6)
	options := pegasus.NewScanOptions()
	options.BatchSize = 2
	scanner, err := tb.GetScanner(soon(t), hashKey, nil, nil, options)
	require.NoError(t, err)
	_, _, first, _, err := scanner.Next(soon(t))
	require.NoError(t, err)
	require.Equal(t, sortKeys[0], first)
	require.NoError(t, tb.MultiDel(soon(t), hashKey, sortKeys))
	require.Equal(t, names(sortKeys[1:]), inOrder(t, scanner), "a scan reads its own snapshot")
}

func TestUnorderedScan(t *testing.T) {
	tb := openTable(t, scanTable)
	want := map[string]string{}
	for _, hashKey := range numbered("hash", 60) {
		for _, sortKey := range fill(t, tb, hashKey, 5) {
			want[string(hashKey)+"/"+string(sortKey)] = string(valueOf(sortKey))
		}
	}
	for _, splits := range []int{1, 2, 3, 4, 5, partitionCount, 100} {
		options := pegasus.NewScanOptions()
		options.BatchSize = 3
		scanners, err := tb.GetUnorderedScanners(soon(t), splits, options)
		require.NoError(t, err)
		require.Len(t, scanners, min(splits, partitionCount))
		require.Equal(t, want, readAll(t, scanners...), "in %d parts", splits)
	}
	_, err := tb.GetUnorderedScanners(soon(t), 0, pegasus.NewScanOptions())
	require.ErrorContains(t, err, "invalid maxSplitCount")
	// The client divides the partitions wrongly here: its first scanner would get minus four of them.
	require.Panics(t, func() { tb.GetUnorderedScanners(soon(t), 7, pegasus.NewScanOptions()) })
}

func TestUnorderedScanWithFilters(t *testing.T) {
	tb := openTable(t, scanTable)
	for _, hashKey := range [][]byte{[]byte("filter-one"), []byte("filter-two"), []byte("two-filter")} {
		require.NoError(t, tb.MultiSet(soon(t), hashKey, numbered("k", 3), numbered("k", 3)))
	}
	options := pegasus.NewScanOptions()
	options.HashKeyFilter = pegasus.Filter{Type: pegasus.FilterTypeMatchPrefix, Pattern: []byte("filter-")}
	options.SortKeyFilter = pegasus.Filter{Type: pegasus.FilterTypeMatchPostfix, Pattern: []byte("1")}
	options.NoValue = true
	scanners, err := tb.GetUnorderedScanners(soon(t), 2, options)
	require.NoError(t, err)
	want := map[string]string{"filter-one/k0001": "", "filter-two/k0001": ""}
	require.Equal(t, want, readAll(t, scanners...))
	for _, hashKey := range []string{"filter-one", "filter-two", "two-filter"} {
		require.NoError(t, tb.DelRange(soon(t), []byte(hashKey), nil, nil))
	}
}
