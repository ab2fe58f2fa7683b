# What test/conformance/recipes/defects.ts is for Rookery: tasks of the same names, for Capistrano.

{ updated: 'deploy:updated', restart: 'deploy:published' }.each do |at, word|
  task "fail:#{at}" do
    on([roles(:all).last]) { execute :false } if ENV['FAIL_AT'] == at.to_s
  end
  at == :updated ? before(word, "fail:#{at}") : after(word, "fail:#{at}")
end
task('note:failed') { run_locally { execute 'echo ran >> ../../failed.txt' } }
after 'deploy:failed', 'note:failed'

%i[execute capture test].each do |word|
  task "signal:#{word}" do
    on roles(:all) do
      public_send(word, 'echo partial; kill -9 $$')
      execute :touch, "#{deploy_to}/went-on"
    end
  end
end

# The first host fails as soon as the others are at work; all see this directory.
task :slow do
  started = "#{Dir.pwd}/started"
  Dir.mkdir(started)
  on roles(:all) do |host|
    execute "until [ $(ls #{started} | wc -l) = 2 ]; do sleep 0.02; done; false" if host == roles(:all).first
    execute "touch #{started}/#{host}; sleep 3; touch #{deploy_to}/finished"
  end
end
task(:endless) { on(roles(:all)) { execute 'sleep 300' } }
task('fail:differently') do
  on(roles(:all)[1..]) { |host| execute "echo #{host} has burnt down >&2; exit #{host == roles(:all)[1] ? 4 : 5}" }
end

task('tell:secrets') { on(roles(:all)) { execute :echo, redact('hunter2-hunter2') } }
task('read:stdin') { on(roles(:all)) { execute :cat } }
task(:count) { on(roles(:all)) { execute "echo once more >> #{deploy_to}/count" } }
task('invoke:twice') { 2.times { invoke 'count' } }
task :surround do
  on roles(:all) do
    upload! StringIO.new("#!/bin/sh\necho \"$(pwd) $SURROUNDED $(umask) $1\" >> surrounded\n"), "#{deploy_to}/my program"
    execute :chmod, '755', "#{deploy_to}/my\\ program"
    SSHKit.config.umask = '027'
    within deploy_to do
      with surrounded: 'a "b" $c' do
        execute "#{deploy_to}/my\\ program", "'two  words'"
        execute 'echo "$(pwd) $SURROUNDED $(umask) shell" >> surrounded'
      end
    end
  end
end

# Two runs come to the release's name in the same second. One updates the mirror before the other, which git would end.
before 'deploy:new_release_path', :together do
  next unless (dir = ENV['TOGETHER'])

  File.open("#{dir}/mirror", File::CREAT) do |mirror|
    mirror.flock(File::LOCK_EX)
    invoke 'git:update'
  end
  File.write("#{dir}/run-#{Process.pid}", '')
  sleep 0.01 until Dir.glob("#{dir}/run-*").size == 2
  sleep 1 - Time.now.to_f % 1
end
