/** A process that runs the commands it is sent, one after the other, each as `stoker` does. Runs on dist/. */
import { fileURLToPath } from 'node:url'
import { runProgram } from '../../dist/cli/program.js'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

process.on('message', ({ args, cwd, env, umask, mark }) => {
  process.chdir(cwd)
  process.umask(umask)
  Object.assign(process.env, env)
  process.argv = [process.execPath, MAIN, ...args]
  runProgram(process.argv).then(
    (code) => {
      // Its folder may be removed.
      process.chdir('/')
      for (const name of Object.keys(env)) delete process.env[name]
      process.stdout.write(mark, () => process.stderr.write(mark, () => process.send({ code })))
    },
    (error) => {
      process.stderr.write(`${error.stack}\n`, () => process.exit(70))
    },
  )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))
