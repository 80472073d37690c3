-- Removes a worker that has stopped. Argument: worker.
redis.call('UNLINK', 'sweep:worker:' .. ARGV[1], 'sweep:holds:' .. ARGV[1])
redis.call('ZREM', 'sweep:heartbeats', ARGV[1])
return 1
